//! What stands where, for users: no partition stands still without a name.

use std::{sync::Arc, time::Duration};

use super::Core;

/// A partition of this member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// What the broker has acknowledged.
    pub committed: Option<i64>,
    /// The lowest offset that is not done: what the next commit says.
    pub frontier: i64,
    /// The offset that is expected next.
    pub position: i64,
    /// How many records are in flight.
    pub pending: u64,
    /// What keeps the frontier where it is.
    pub blocked: Option<Blocked>,
}

/// The record that a partition waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocked {
    /// Its offset.
    pub offset: i64,
    /// The path of the node that it is at; the source's while it is on the poll thread.
    pub stage: Arc<str>,
    /// How long it has been the lowest pending one.
    pub lasting: Duration,
}

impl Core {
    /// The partitions of this member.
    pub(crate) fn status(&self, now: Duration) -> Vec<PartitionStatus> {
        let status = |part: &super::Part| PartitionStatus {
            topic: Arc::clone(&part.home.partition.topic),
            partition: part.home.partition.partition,
            committed: part.committed,
            frontier: part.ledger.frontier(),
            position: part.ledger.position(),
            pending: part.ledger.pending(),
            blocked: part.blocked.map(|(offset, since)| Blocked {
                offset,
                stage: (self.path)(part.home.place(offset).map_or(0, |place| place.node)),
                lasting: now.saturating_sub(since),
            }),
        };
        self.parts.values().map(status).collect()
    }
}
