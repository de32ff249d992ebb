//! Where each partition stands, for users: no partition stands still without a name.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use healer_store::Run;
use serde::Serialize;

use super::{Core, HeldBack, Part, Paths};
use crate::broker::TopicPartition;

/// A partition of this member.
///
/// As JSON the fields have the names that they have here; a duration is a number of seconds, a key as in [failure reports](crate::reports).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// The topic.
    #[serde(serialize_with = "crate::json::text")]
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The committed offset: as the broker acknowledged it last, or as it was when the partition was assigned.
    pub committed: Option<i64>,
    /// The lowest offset that is not done: the next commit says it.
    pub frontier: i64,
    /// The offset that is expected next.
    pub position: i64,
    /// The end of the partition's log (its high watermark), as it was a few seconds ago; `None` before the first look.
    pub end: Option<i64>,
    /// How many records are in flight.
    pub pending: u64,
    /// How many offsets above the frontier are done already; those that the log skips are among them.
    pub done_above: u64,
    /// How often records of this partition vanished from the log before they were done, since it was assigned.
    pub data_losses: u64,
    /// Its state.
    pub state: PartitionState,
    /// The record that holds the frontier.
    pub blocked: Option<Blocked>,
    /// The open transaction that it waits for.
    pub held_back: Option<HeldBack>,
}

impl PartitionStatus {
    /// How many offsets lie between the committed offset, else the frontier, and the end of the log, also behind an open
    /// transaction; `None` while the end is not known.
    pub fn lag(&self) -> Option<u64> {
        // Records that were read since the last look lie beyond the end that was seen then.
        let end = self.end?.max(self.position);
        Some(u64::try_from(end.saturating_sub(self.committed.unwrap_or(self.frontier))).unwrap_or(0))
    }
}

/// The state of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartitionState {
    /// It takes records.
    Running,
    /// A record failed: records before it may still end, none behind it begins.
    Halted,
    /// The offsets done above the frontier have no room in a commit any more: records in flight go on, no new ones begin.
    Throttled,
    /// It is given back, or the pipeline ends: records in flight may end.
    Draining,
    /// Its log went back, and it is to be read anew.
    Restarting,
    /// The user wants no more of its records to begin; those in flight go on.
    Paused,
    /// All records that can be read are done, and a producer's open transaction holds back those behind it:
    /// [`held_back`](PartitionStatus::held_back).
    HeldBack,
}

impl PartitionState {
    pub(crate) const ALL: [Self; 7] = [
        Self::Running,
        Self::Halted,
        Self::Throttled,
        Self::Draining,
        Self::Restarting,
        Self::Paused,
        Self::HeldBack,
    ];

    /// As metrics name it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Halted => "halted",
            Self::Throttled => "throttled",
            Self::Draining => "draining",
            Self::Restarting => "restarting",
            Self::Paused => "paused",
            Self::HeldBack => "held_back",
        }
    }
}

/// The record that a partition waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Blocked {
    /// Its offset.
    pub offset: i64,
    /// The path of the node that it is at; the source's while it is on the poll thread.
    #[serde(serialize_with = "crate::json::text")]
    pub stage: Arc<str>,
    /// How long it has been the lowest pending one.
    #[serde(serialize_with = "crate::json::seconds")]
    pub lasting: Duration,
    /// The first 32 bytes of its key; `None` where it has none, or has not left the poll thread. As JSON `{"text": …}`, or `{"base64": …}` where it is no UTF-8.
    #[serde(serialize_with = "crate::json::bytes_if_any")]
    pub key: Option<Vec<u8>>,
    /// Whether `key` is cut: the record's key is longer.
    pub key_is_cut: bool,
}

/// A record that has held its partition for longer than `stall_after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stalled {
    /// The topic.
    #[serde(serialize_with = "crate::json::text")]
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The record.
    pub blocked: Blocked,
}

impl Part {
    /// How many offsets above the frontier are done; grows until the frontier moves.
    pub(super) fn done_above(&self) -> u64 {
        let span = Run::new(self.ledger.frontier(), self.ledger.position()).len();
        span.saturating_sub(self.ledger.pending())
    }

    /// The record that holds the frontier.
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

    fn state(&self, now: Duration) -> PartitionState {
        if self.rewind.is_some() {
            PartitionState::Restarting
        } else if !self.is_open() {
            PartitionState::Draining
        } else if self.home.is_halted() {
            PartitionState::Halted
        } else if self.paused {
            PartitionState::Paused
        } else if self.throttled {
            PartitionState::Throttled
        } else if self.held_back(now).is_some() {
            PartitionState::HeldBack
        } else {
            PartitionState::Running
        }
    }
}

impl Core {
    /// The partitions that a record holds for too long.
    pub(crate) fn stalled(&self, now: Duration) -> Vec<Stalled> {
        let stalled = self.parts.values().filter(|part| part.stalled.is_some()).filter_map(|part| {
            let TopicPartition { topic, partition } = part.home.partition.clone();
            Some(Stalled { topic, partition, blocked: part.blocked(&self.path, now)? })
        });
        stalled.collect()
    }

    /// How long records have been taken in that are not committed, while nothing was; `None` where there are none.
    pub(crate) fn uncommitted(&self, now: Duration) -> Option<Duration> {
        self.behind.map(|since| now.saturating_sub(since))
    }

    /// How many records are at each node that left the poll thread.
    pub(crate) fn in_flight(&self) -> BTreeMap<u32, u64> {
        let mut nodes = BTreeMap::new();
        self.parts.values().for_each(|part| part.home.count_by_node(&mut nodes));
        nodes
    }

    /// The partitions of this member.
    pub(crate) fn status(&self, now: Duration) -> Vec<PartitionStatus> {
        let status = |part: &Part| PartitionStatus {
            topic: Arc::clone(&part.home.partition.topic),
            partition: part.home.partition.partition,
            committed: part.committed,
            frontier: part.ledger.frontier(),
            position: part.ledger.position(),
            end: part.log_end,
            pending: part.ledger.pending(),
            done_above: part.done_above(),
            data_losses: part.data_losses,
            state: part.state(now),
            blocked: part.blocked(&self.path, now),
            held_back: part.held_back(now),
        };
        self.parts.values().map(status).collect()
    }
}
