//! Stages that rest since they fail on everything (`circuit_breaker`): told in the log, the health and the metrics.
//!
//! **Open circuits** change while the breaker is locked, so that both always agree, and are told once it is
//! not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use crate::context::Context;

/// How often a circuit is told of again whose trials fail.
const AGAIN: Duration = Duration::from_mins(1);

/// A stage whose `circuit_breaker` is open: its calls fail one after the other, so it rests and tries one now and then. Its records
/// wait, and it goes on by itself when a call succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OpenCircuit {
    /// The path of the stage.
    #[serde(serialize_with = "crate::json::text")]
    pub stage: Arc<str>,
    /// How long it has been open.
    #[serde(serialize_with = "crate::json::seconds")]
    pub lasting: Duration,
    /// How many calls have failed in a row.
    pub failures: u32,
    /// The error of the last one, with its causes.
    pub error: String,
}

/// The open ones of a pipeline, by node.
#[derive(Debug, Default)]
pub(crate) struct Circuits(Mutex<BTreeMap<u32, Open>>);

#[derive(Debug)]
struct Open {
    stage: Arc<str>,
    since: Duration,
    failures: u32,
    error: String,
    /// When it was told of last.
    told: Duration,
}

/// An event of a circuit, to be logged once nothing is locked.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Opened,
    StaysOpen { lasting: Duration },
    Closed { lasting: Duration },
}

impl Circuits {
    fn open_ones(&self) -> MutexGuard<'_, BTreeMap<u32, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many calls in a row have failed: the circuit of a node opens, or stays open. `None` where that was told of just now.
    pub(crate) fn open(
        &self,
        (node, stage): (u32, &Arc<str>),
        (failures, error): (u32, String),
        now: Duration,
    ) -> Option<Turn> {
        let mut all = self.open_ones();
        let Some(known) = all.get_mut(&node) else {
            let stage = Arc::clone(stage);
            all.insert(node, Open { stage, since: now, failures, error, told: now });
            return Some(Turn::Opened);
        };
        (known.failures, known.error) = (failures, error);
        if now.saturating_sub(known.told) < AGAIN {
            return None;
        }
        known.told = now;
        Some(Turn::StaysOpen { lasting: now.saturating_sub(known.since) })
    }

    /// A call of a node succeeded.
    pub(crate) fn close(&self, node: u32, now: Duration) -> Option<Turn> {
        let closed = self.open_ones().remove(&node)?;
        Some(Turn::Closed { lasting: now.saturating_sub(closed.since) })
    }

    /// All that are open, for the health.
    pub(crate) fn all(&self, now: Duration) -> Vec<OpenCircuit> {
        let open = |open: &Open| OpenCircuit {
            stage: Arc::clone(&open.stage),
            lasting: now.saturating_sub(open.since),
            failures: open.failures,
            error: open.error.clone(),
        };
        self.open_ones().values().map(open).collect()
    }

    /// The nodes whose circuits are open.
    pub(crate) fn nodes(&self) -> BTreeSet<u32> {
        self.open_ones().keys().copied().collect()
    }
}

impl Turn {
    pub(crate) fn opens(&self) -> bool {
        matches!(self, Self::Opened)
    }

    /// Tells of it, and of the record whose call it was.
    #[cold]
    pub(crate) fn tell(self, stage: &str, error: &str, pause: Duration, of: &Context) {
        let (emit_id, topic, partition, offset, attempt) =
            (of.identity(), of.topic(), of.partition(), of.offset(), of.attempt());
        match self {
            Self::Opened => tracing::warn!(
                stage, %emit_id, topic, partition, offset, attempt, ?pause, error,
                "a stage fails on everything: its circuit is open, and after each pause one call tries how it goes on"
            ),
            Self::StaysOpen { lasting } => tracing::warn!(
                stage, %emit_id, topic, partition, offset, attempt, ?pause, ?lasting, error,
                "a stage still fails on everything: its circuit stays open"
            ),
            Self::Closed { lasting } => tracing::info!(
                stage, %emit_id, topic, partition, offset, ?lasting,
                "a call succeeded again: the circuit is closed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{Circuits, Turn};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_circuit_is_open_until_a_call_succeeds_and_is_told_of_now_and_then() {
        let (circuits, stage) = (Circuits::default(), Arc::from("s"));
        let fail = |failures, at| circuits.open((7, &stage), (failures, format!("torn {failures}")), at);
        assert_eq!(circuits.close(7, SECOND), None);
        assert_eq!(fail(5, SECOND), Some(Turn::Opened));
        assert_eq!(fail(6, 60 * SECOND), None);
        assert_eq!(fail(7, 61 * SECOND), Some(Turn::StaysOpen { lasting: 60 * SECOND }));
        let all = circuits.all(62 * SECOND);
        assert_eq!((all.len(), all[0].failures, all[0].error.as_str()), (1, 7, "torn 7"));
        assert_eq!((all[0].lasting, circuits.nodes().len()), (61 * SECOND, 1));
        assert_eq!(circuits.close(7, 63 * SECOND), Some(Turn::Closed { lasting: 62 * SECOND }));
        assert!(circuits.all(63 * SECOND).is_empty() && circuits.nodes().is_empty());
        assert_eq!(fail(5, 64 * SECOND), Some(Turn::Opened), "it opens anew");
    }
}
