//! What stands where, for users: no partition stands still without a name.

use std::{sync::Arc, time::Duration};

use healer_store::Run;

use super::{Core, Part, Paths};

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
    /// How many offsets above the frontier are done already; those that the log skips are among them.
    pub done_above: u64,
    /// How often records of this partition vanished from the log before they were done, since it was assigned.
    pub data_losses: u64,
    /// What it does.
    pub state: PartitionState,
    /// What keeps the frontier where it is.
    pub blocked: Option<Blocked>,
}

/// What a partition does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartitionState {
    /// It takes records.
    Running,
    /// A record failed: what came before it may still end, nothing behind it begins.
    Halted,
    /// What is done above the frontier has no room in a commit any more: what is in flight goes on, nothing new begins.
    Throttled,
    /// It is given back, or the pipeline ends: what is in flight may end.
    Draining,
    /// Its log went back, and it is to be read anew.
    Restarting,
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
    /// The first 32 bytes of its key; `None` where it has none, or has not left the poll thread.
    pub key: Option<Vec<u8>>,
    /// Whether the key is longer than what is shown of it.
    pub key_is_cut: bool,
}

impl Part {
    /// How many offsets above the frontier are done; grows until the frontier moves.
    pub(super) fn done_above(&self) -> u64 {
        let span = Run::new(self.ledger.frontier(), self.ledger.position()).len();
        span.saturating_sub(self.ledger.pending())
    }

    /// What keeps the frontier where it is.
    pub(super) fn blocked(&self, path: &Paths, now: Duration) -> Option<Blocked> {
        let (offset, since) = self.blocked?;
        let place = self.home.place(offset);
        let key = place.and_then(|place| place.key);
        Some(Blocked {
            offset,
            stage: path(self.home.node(offset)),
            lasting: now.saturating_sub(since),
            key: key.map(|key| key.bytes().to_vec()),
            key_is_cut: key.is_some_and(|key| key.is_cut()),
        })
    }

    fn state(&self) -> PartitionState {
        if self.rewind.is_some() {
            PartitionState::Restarting
        } else if !self.is_open() {
            PartitionState::Draining
        } else if self.home.is_halted() {
            PartitionState::Halted
        } else if self.throttled {
            PartitionState::Throttled
        } else {
            PartitionState::Running
        }
    }
}

impl Core {
    /// The partitions of this member.
    pub(crate) fn status(&self, now: Duration) -> Vec<PartitionStatus> {
        let status = |part: &Part| PartitionStatus {
            topic: Arc::clone(&part.home.partition.topic),
            partition: part.home.partition.partition,
            committed: part.committed,
            frontier: part.ledger.frontier(),
            position: part.ledger.position(),
            pending: part.ledger.pending(),
            done_above: part.done_above(),
            data_losses: part.data_losses,
            state: part.state(),
            blocked: part.blocked(&self.path, now),
        };
        self.parts.values().map(status).collect()
    }
}
