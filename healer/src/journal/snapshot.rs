//! The row that is kept of a partition's ledger.

use healer_store::{DoneAbove, Ledger, Run, StoreError, offset_map};
use serde::{Deserialize, Serialize};

use super::codec::Row;

/// How far a partition had come when it was saved. It is for looking: nothing that users can call takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionSnapshot {
    /// The partition's topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// A random number, drawn anew whenever the group goes back, by a seek or a reset. The snapshot counts only beside a commit of the same
    /// lineage.
    pub lineage: u64,
    /// The lowest offset that was not done.
    pub frontier: i64,
    /// The offset that was expected next; never below the frontier.
    pub position: i64,
    /// The offsets that were done above the frontier: ascending runs that do not overlap.
    pub done_above: Vec<Run>,
    /// The fingerprint of the record at the frontier; without it nothing above the frontier can be proven.
    pub fingerprint: Option<u64>,
    /// The highest leader epoch that was read; `None` where the broker tells none.
    pub leader_epoch: Option<i32>,
}

impl PartitionSnapshot {
    /// The snapshot of `ledger`, with the fingerprint of the record at its frontier where that is known.
    ///
    /// A claim that the ledger could not verify yet is carried over as it came, with its own fingerprint.
    pub(crate) fn of(
        topic: impl Into<String>,
        partition: i32,
        lineage: u64,
        ledger: &Ledger,
        fingerprint: Option<u64>,
    ) -> Self {
        let (done_above, fingerprint, leader_epoch) = match ledger.unverified() {
            Some(claim) => (claim.runs.clone(), Some(claim.fingerprint), claim.leader_epoch),
            None => (ledger.done_above().collect(), fingerprint, ledger.leader_epoch()),
        };
        Self {
            topic: topic.into(),
            partition,
            lineage,
            frontier: ledger.frontier(),
            position: ledger.position(),
            done_above,
            fingerprint,
            leader_epoch,
        }
    }

    /// The claim that [`Ledger::resume`] needs; `None` without a fingerprint, since it could never be verified.
    pub(crate) fn claim(&self) -> Option<DoneAbove> {
        let fingerprint = self.fingerprint?;
        let PartitionSnapshot { frontier, leader_epoch, .. } = *self;
        Some(DoneAbove { frontier, fingerprint, leader_epoch, runs: self.done_above.clone() })
    }
}

/// A snapshot as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotRow {
    pub(super) sequence: u64,
    lineage: u64,
    topic: String,
    partition: i32,
    frontier: i64,
    position: i64,
    fingerprint: Option<u64>,
    leader_epoch: Option<i32>,
    done_above: Vec<u8>,
}

impl Row for SnapshotRow {
    /// Version 1 had no lineage.
    const VERSION: u8 = 2;
}

impl SnapshotRow {
    pub(super) fn new(snapshot: &PartitionSnapshot, sequence: u64) -> Result<Self, StoreError> {
        let invalid = |reason: String| StoreError::Invalid {
            topic: snapshot.topic.clone(),
            partition: snapshot.partition,
            reason,
        };
        let PartitionSnapshot { lineage, frontier, position, .. } = *snapshot;
        if position < frontier {
            return Err(invalid(format!("its position {position} lies below its frontier {frontier}")));
        }
        let done_above = offset_map::encode(frontier, snapshot.done_above.iter().copied())
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            sequence,
            lineage,
            topic: snapshot.topic.clone(),
            partition: snapshot.partition,
            frontier,
            position,
            fingerprint: snapshot.fingerprint,
            leader_epoch: snapshot.leader_epoch,
            done_above,
        })
    }

    /// The snapshot of `topic` and `partition`, or why the row is not one.
    pub(super) fn into_snapshot(self, topic: &str, partition: i32) -> Result<PartitionSnapshot, String> {
        if self.topic != topic || self.partition != partition {
            return Err(format!("its row is that of {}[{}]", self.topic, self.partition));
        }
        let done_above =
            offset_map::decode(self.frontier, &self.done_above).map_err(|error| error.to_string())?;
        if self.position < self.frontier {
            return Err("its row contradicts itself".to_owned());
        }
        Ok(PartitionSnapshot {
            topic: self.topic,
            partition: self.partition,
            lineage: self.lineage,
            frontier: self.frontier,
            position: self.position,
            done_above,
            fingerprint: self.fingerprint,
            leader_epoch: self.leader_epoch,
        })
    }
}
