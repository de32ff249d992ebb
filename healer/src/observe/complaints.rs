//! How often the same complaint is logged.

use std::{
    mem,
    time::{Duration, Instant},
};

/// How long it is quiet after one.
const QUIET: Duration = Duration::from_secs(1);

/// Complaints for the log, counted while it is quiet.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    /// So many more; how many there are since the last that was said, if it is time to say so.
    pub(crate) fn add(&mut self, count: u64, now: Instant) -> Option<u64> {
        self.unsaid += count;
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < QUIET) {
            return None;
        }
        self.last = Some(now);
        self.rest()
    }

    /// How many were not said.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        Some(mem::take(&mut self.unsaid)).filter(|unsaid| *unsaid > 0)
    }
}
