//! How long calls take and how large values are: of some records, since reading a clock twice for each would cost a sixth of
//! all that a cheap stage costs.
//!
//! **Measures.** To read the clock twice a record costs a sixth of a cheap stage, so durations and sizes are those of up to a
//! hundred records a second, the first of a chunk when it is time, and of as many calls a second at each stage beyond the poll
//! thread. A value is measured as JSON, where the macro finds that it has that form, and a look that took long puts the next one
//! off by a hundred times as long.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
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

/// Whether a record is measured, logged and traced while it passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch(u8);

impl Watch {
    const MEASURED: u8 = 1;
    const LOGGED: u8 = 2;
    const TRACED: u8 = 4;

    /// `measured`: how long its calls take and how large it is. `logged`: its data.
    pub(crate) fn new(measured: bool, logged: bool) -> Self {
        Self(u8::from(measured) * Self::MEASURED + u8::from(logged) * Self::LOGGED)
    }

    /// The same, and whether its calls are traced.
    pub(crate) fn with_traced(self, traced: bool) -> Self {
        Self((self.0 & !Self::TRACED) | (u8::from(traced) * Self::TRACED))
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

    #[inline]
    pub(crate) fn is_traced(self) -> bool {
        self.0 & Self::TRACED != 0
    }
}

struct NodeMeasures {
    /// The next call beyond the poll thread is measured.
    is_due: AtomicBool,
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
    /// The next record that the poll thread takes is measured.
    is_due: AtomicBool,
    /// Microseconds since the start at which something is due again.
    next: AtomicU64,
}

impl Measures {
    pub(crate) fn new(pipeline: &str, graph: &Graph, settings: MeasureSettings) -> Self {
        let ids = || graph.nodes.iter().map(|node| node.id);
        let (first, last) = (ids().min().unwrap_or(0), ids().max().unwrap_or(0));
        let mut nodes: Vec<Option<NodeMeasures>> = (first..=last).map(|_| None).collect();
        let calls = graph.calls();
        for node in graph.nodes.iter().filter(|node| is_measured(&node.kind)) {
            let labels = calls[&node.id].labels(pipeline);
            nodes[(node.id - first) as usize] = Some(NodeMeasures {
                is_due: AtomicBool::new(is_on(settings)),
                duration: histogram!("healer_stage_duration_seconds", &labels),
                input: histogram!("healer_stage_input_bytes", &labels),
                output: histogram!("healer_stage_output_bytes", &labels),
            });
        }
        Self { settings, first, nodes, is_due: AtomicBool::new(is_on(settings)), next: AtomicU64::new(0) }
    }

    /// Sets the flags `is_due` once enough time has passed. A record then learns without a look at a clock whether it is measured.
    pub(crate) fn pass(&self, now: Duration) {
        if !is_on(self.settings) || micros(now) < self.next.load(Relaxed) {
            return;
        }
        self.next.fetch_max(micros(now + EVERY), Relaxed);
        let nodes = self.nodes.iter().flatten().map(|node| &node.is_due);
        nodes.chain([&self.is_due]).for_each(|is_due| is_due.store(true, Relaxed));
    }

    /// Whether the record that the poll thread takes now is to be measured.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        take(&self.is_due)
    }

    /// Whether a call of this node is to be measured, though the poll thread did not say so of its record: it takes many records at once
    /// where calls take long.
    #[inline]
    pub(crate) fn is_due_at(&self, node: u32) -> bool {
        self.of(node).is_some_and(|measures| take(&measures.is_due))
    }

    /// A look at a value took from then till now.
    pub(crate) fn cost(&self, began: Duration, now: Duration) {
        let next = now.saturating_add(now.saturating_sub(began) * CALM);
        self.next.fetch_max(micros(next), Relaxed);
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

fn is_on(MeasureSettings { durations, sizes, .. }: MeasureSettings) -> bool {
    durations || sizes
}

fn is_measured(kind: &NodeKind) -> bool {
    use NodeKind::{BatchStage, Flat, Sink, Source, Stage};
    matches!(kind, Source { .. } | Stage { .. } | Flat | BatchStage | Sink { .. })
}

/// Two threads may find the same one set: then two records are measured, and no harm is done.
#[inline]
fn take(is_due: &AtomicBool) -> bool {
    let due = is_due.load(Relaxed);
    if due {
        is_due.store(false, Relaxed);
    }
    due
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

    fn due_at(measures: &Measures, time: Duration) -> bool {
        measures.pass(time);
        measures.is_due()
    }

    #[test]
    fn at_most_a_hundred_records_a_second_are_measured_and_none_where_that_is_off() {
        let measures = Measures::new("p", &Graph::default(), MeasureSettings::default());
        let due = (0..10_000).filter(|tick| due_at(&measures, Duration::from_micros(tick * 100))).count();
        assert_eq!(due, 100);
        assert!(due_at(&measures, Duration::from_secs(2)));
        assert!(!due_at(&measures, Duration::from_micros(2_009_999)));
        assert!(due_at(&measures, Duration::from_secs(2) + EVERY));
        let mut off = MeasureSettings::default();
        (off.durations, off.sizes) = (false, false);
        assert!(!due_at(&Measures::new("p", &Graph::default(), off), Duration::from_secs(1)));
    }

    #[test]
    fn what_takes_long_to_look_at_is_looked_at_less_often() {
        let measures = Measures::new("p", &Graph::default(), MeasureSettings::default());
        assert!(due_at(&measures, Duration::ZERO));
        measures.cost(Duration::ZERO, Duration::from_millis(5));
        assert!(!due_at(&measures, Duration::from_millis(504)));
        assert!(due_at(&measures, Duration::from_millis(505)));
    }

    #[test]
    fn what_is_watched_is_told_apart() {
        assert!(!Watch::default().is_any());
        let (measured, logged) = (Watch::new(true, false), Watch::new(false, true));
        assert!(measured.is_any() && measured.is_measured() && !measured.is_logged());
        assert!(logged.is_any() && !logged.is_measured() && logged.is_logged());
        let traced = measured.with_traced(true);
        assert!(traced.is_traced() && traced.is_measured() && !measured.is_traced());
        assert_eq!(traced.with_traced(false), measured);
    }
}
