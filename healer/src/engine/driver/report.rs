//! The report of a pipeline, made at its end.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

/// The counts of a pipeline, by whole records: one that went several ways counts once, as a dead letter if it became one
/// on any way, else as healed if any way healed it.
///
/// As JSON the fields have the names that they have here; the duration is a number of seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Records that are done: healed, skipped, or dead letters.
    pub records: u64,
    /// Records that reached `heal`.
    pub healed: u64,
    /// Records that were skipped, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Records whose dead letter the broker has.
    pub dead_lettered: u64,
    /// Commit requests that the broker acknowledged.
    pub commits: u64,
    /// The partitions that this member had, and with `run_until_end` all of its topics.
    pub partitions: Vec<PartitionReport>,
    /// Records up to the end that are not committed, over all `partitions`; `None` if the broker did not say where they end,
    /// and where this member had none, since it knows nothing of those of others.
    pub lag: Option<u64>,
    /// Results of partitions that had been taken away: they changed nothing.
    pub fenced: u64,
    /// From the start to the end of the run.
    #[serde(serialize_with = "crate::json::seconds")]
    pub duration: Duration,
}

/// Where a partition ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartitionReport {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset that this run began with, or would have.
    pub start: i64,
    /// The group's committed offset; `None` where it has none.
    pub committed: Option<i64>,
    /// The end offset: with `run_until_end` the one taken at the start.
    pub end: Option<i64>,
}

impl PartitionReport {
    /// How many offsets lie between the committed offset (else the start) and the end; `None` where the end is not known.
    pub fn lag(&self) -> Option<u64> {
        let from = self.committed.unwrap_or(self.start);
        Some(u64::try_from(self.end?.saturating_sub(from)).unwrap_or(0))
    }
}
