//! How long calls take and how large values are: of some records, since reading a clock twice for each would cost a sixth of
//! all that a cheap stage costs.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use metrics::{Histogram, histogram};

use crate::{
    config::MeasureSettings,
    topology::{Graph, NodeKind},
};

/// How long after one record the next is measured: up to a hundred a second, and all where fewer come.
const EVERY: Duration = Duration::from_millis(10);

/// How many times as long as a look took there is none: a value may be large, and to look at it must cost little.
const CALM: u32 = 100;

/// What is looked at while a record passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch(u8);

impl Watch {
    const MEASURED: u8 = 1;
    const LOGGED: u8 = 2;

    /// How long its calls take, how large it is; and what it is, where data is logged.
    pub(crate) fn new(measured: bool, logged: bool) -> Self {
        Self(u8::from(measured) * Self::MEASURED + u8::from(logged) * Self::LOGGED)
    }

    #[inline]
    pub(crate) fn is_any(self) -> bool {
        self.0 != 0
    }

    pub(crate) fn is_measured(self) -> bool {
        self.0 & Self::MEASURED != 0
    }

    /// The same, and measured as well.
    pub(crate) fn and_measured(self) -> Self {
        Self(self.0 | Self::MEASURED)
    }

    pub(crate) fn is_logged(self) -> bool {
        self.0 & Self::LOGGED != 0
    }
}

struct NodeMeasures {
    /// Microseconds since the start at which the next call of its own accord is measured.
    next: AtomicU64,
    duration: Histogram,
    input: Histogram,
    output: Histogram,
}

/// The measures of a running pipeline.
pub(crate) struct Measures {
    settings: MeasureSettings,
    first: u32,
    /// None for nodes that call nothing of the user's, and for numbers of other pipelines.
    nodes: Vec<Option<NodeMeasures>>,
    /// Microseconds since the start at which the next record is measured.
    next: AtomicU64,
    /// The same, for a look that took long before.
    calm: AtomicU64,
}

impl Measures {
    pub(crate) fn new(pipeline: &str, graph: &Graph, settings: MeasureSettings) -> Self {
        let ids = || graph.nodes.iter().map(|node| node.id);
        let (first, last) = (ids().min().unwrap_or(0), ids().max().unwrap_or(0));
        let mut nodes: Vec<Option<NodeMeasures>> = (first..=last).map(|_| None).collect();
        for node in graph.nodes.iter().filter(|node| is_measured(&node.kind)) {
            let labels = [("pipeline", pipeline.to_owned()), ("stage", node.path.to_string())];
            nodes[(node.id - first) as usize] = Some(NodeMeasures {
                next: AtomicU64::new(0),
                duration: histogram!("healer_stage_duration_seconds", &labels),
                input: histogram!("healer_stage_input_bytes", &labels),
                output: histogram!("healer_stage_output_bytes", &labels),
            });
        }
        Self { settings, first, nodes, next: AtomicU64::new(0), calm: AtomicU64::new(0) }
    }

    /// Whether the record that comes now is to be measured.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        micros(now) >= self.calm.load(Relaxed) && self.takes_turn(&self.next, now)
    }

    /// Whether a call of this node is to be measured, though the poll thread did not say so of its record: it takes many records at once
    /// where calls take long.
    pub(crate) fn is_due_at(&self, node: u32, now: Duration) -> bool {
        let next = self.of(node).map(|measures| &measures.next);
        next.is_some_and(|next| micros(now) >= self.calm.load(Relaxed) && self.takes_turn(next, now))
    }

    fn takes_turn(&self, next: &AtomicU64, now: Duration) -> bool {
        let MeasureSettings { durations, sizes, .. } = self.settings;
        if !(durations || sizes) || micros(now) < next.load(Relaxed) {
            return false;
        }
        // Two threads may measure a record each: no harm is done.
        next.store(micros(now + EVERY), Relaxed);
        true
    }

    /// A look at a value took from then till now.
    pub(crate) fn cost(&self, began: Duration, now: Duration) {
        let next = now.saturating_add(now.saturating_sub(began) * CALM);
        self.calm.fetch_max(micros(next), Relaxed);
    }

    pub(crate) fn durations(&self) -> bool {
        self.settings.durations
    }

    pub(crate) fn sizes(&self) -> bool {
        self.settings.sizes
    }

    fn of(&self, node: u32) -> Option<&NodeMeasures> {
        self.nodes.get(node.wrapping_sub(self.first) as usize)?.as_ref()
    }

    /// A call took so long.
    pub(crate) fn took(&self, node: u32, time: Duration) {
        if let Some(measures) = self.of(node).filter(|_| self.durations()) {
            measures.duration.record(time);
        }
    }

    /// A value of so many bytes came in.
    pub(crate) fn input(&self, node: u32, bytes: usize) {
        if let Some(measures) = self.of(node).filter(|_| self.sizes()) {
            measures.input.record(float(bytes));
        }
    }

    /// A value of so many bytes went out.
    pub(crate) fn output(&self, node: u32, bytes: usize) {
        if let Some(measures) = self.of(node).filter(|_| self.sizes()) {
            measures.output.record(float(bytes));
        }
    }
}

fn is_measured(kind: &NodeKind) -> bool {
    use NodeKind::{Batch, Flat, Sink, Source, Stage};
    matches!(kind, Source { .. } | Stage { .. } | Flat | Batch | Sink { .. })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

// Exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(bytes: usize) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{EVERY, Measures, Watch};
    use crate::{config::MeasureSettings, topology::Graph};

    #[test]
    fn at_most_a_hundred_records_a_second_are_measured_and_none_where_that_is_off() {
        let measures = Measures::new("p", &Graph::default(), MeasureSettings::default());
        let due = (0..10_000).filter(|tick| measures.is_due(Duration::from_micros(tick * 100))).count();
        assert_eq!(due, 100);
        assert!(measures.is_due(Duration::from_secs(2)));
        assert!(!measures.is_due(Duration::from_micros(2_009_999)));
        assert!(measures.is_due(Duration::from_secs(2) + EVERY));
        let mut off = MeasureSettings::default();
        (off.durations, off.sizes) = (false, false);
        assert!(!Measures::new("p", &Graph::default(), off).is_due(Duration::from_secs(1)));
    }

    #[test]
    fn what_takes_long_to_look_at_is_looked_at_less_often() {
        let measures = Measures::new("p", &Graph::default(), MeasureSettings::default());
        assert!(measures.is_due(Duration::ZERO));
        measures.cost(Duration::ZERO, Duration::from_millis(5));
        assert!(!measures.is_due(Duration::from_millis(504)));
        assert!(measures.is_due(Duration::from_millis(505)));
    }

    #[test]
    fn what_is_watched_is_told_apart() {
        assert!(!Watch::default().is_any());
        let (measured, logged) = (Watch::new(true, false), Watch::new(false, true));
        assert!(measured.is_any() && measured.is_measured() && !measured.is_logged());
        assert!(logged.is_any() && !logged.is_measured() && logged.is_logged());
    }
}
