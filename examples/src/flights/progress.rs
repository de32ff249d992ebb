//! How far the pipeline is, on a terminal.

use std::{collections::HashMap, fmt::Write, sync::Arc, time::Duration};

use healer::PartitionStatus;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// How often it is drawn.
pub const EVERY: Duration = Duration::from_millis(100);

const BAR: &str = "{bar:40.green/dim} {human_pos} of {human_len} flights done, {rate} a second, {eta} left";
const COUNTER: &str = "{spinner:.green} {human_pos} flights done, {rate} a second";

/// A bar where the number of flights is known, a counter elsewhere; nothing where standard error is no terminal.
pub struct Progress {
    bar: ProgressBar,
    /// Where each partition was first seen, and where it is.
    partitions: HashMap<(Arc<str>, i32), (i64, i64)>,
}

impl Progress {
    /// Nothing done yet, of so many.
    pub fn new(flights: Option<u64>) -> Self {
        let style = if flights.is_some() { BAR } else { COUNTER };
        // Both templates are right; a wrong one would give the default style.
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let style = style.with_key("rate", rate);
        let bar = flights.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
        Self { bar, partitions: HashMap::new() }
    }

    /// Draws nothing.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), partitions: HashMap::new() }
    }

    /// Takes in how far the partitions are: all below their frontiers is done.
    pub fn show(&mut self, partitions: Vec<PartitionStatus>) {
        for status in partitions {
            let seen = self
                .partitions
                .entry((status.topic, status.partition))
                .or_insert((status.frontier, status.frontier));
            seen.1 = status.frontier;
        }
        let done = self.partitions.values().map(|(first, now)| now.saturating_sub(*first)).sum::<i64>();
        self.bar.set_position(u64::try_from(done).unwrap_or_default());
        self.bar.tick();
    }

    /// Leaves the terminal as it was.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// The template's own has four decimals.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    // A rate that cannot be drawn is no reason to stop.
    let _ = write!(out, "{:.0}", state.per_sec());
}
