//! Where a partition starts.
//!
//! **Start.** Every assignment is answered with explicit offsets: the committed one, else `start`; one that does not exist is
//! decided by `out_of_range`. An offset that `latest`, `time` or `out_of_range` chose is committed at once. `auto.offset.reset`
//! is `error`. *`latest`* applies to partitions that were there when the group began (`driver/begun`): before it joins, a process
//! notes the ends of all partitions of topics (those of a pattern together) for which the group has no commit at all. There a
//! partition without a commit starts; every other one was added, or came to the pattern later, or is of a topic that was made
//! anew, and starts at its first record. *A time*: records behind the offset found may be older, for times need not ascend, and
//! the first entry of that time may be the end of a transaction. So of the records that are there then, older ones are skipped
//! and counted (`Older`), chunk by chunk on the poll thread; records that come later are late, and are processed.

use healer_store::DoneAbove;

use super::Said;
use crate::{
    broker::{RecordRef, TopicPartition, Watermarks},
    config::OutOfRange,
    error::StartError,
    journal::{KeptState, PartitionSnapshot},
};

/// The facts that are known of a partition when it is assigned.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) committed: Option<i64>,
    pub(crate) watermarks: Watermarks,
    /// The offset of the wanted time, or where `latest` was when the process began and the group did not know the topic.
    pub(crate) wanted: Option<i64>,
    /// The wanted time, in milliseconds since 1970.
    pub(crate) millis: Option<i64>,
    pub(crate) snapshot: Option<PartitionSnapshot>,
    /// The content of the commit's text.
    pub(crate) metadata: Option<Said>,
}

/// Where to start without a committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartPolicy {
    Earliest,
    Latest,
    Time,
    Error,
}

/// The answer to an assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) offset: i64,
    pub(crate) committed: Option<i64>,
    /// The lineage that goes on: a number in all commits and snapshots from one step back of the group to the next. `None` where one
    /// begins. Work done above an offset counts only in its own lineage: a group that goes back wants the records again.
    pub(crate) lineage: Option<u64>,
    /// The claim of the store or of the commit about offsets done above the start; believed once proven.
    pub(crate) claim: Option<DoneAbove>,
    /// The store has a snapshot that is not believed, and is to be written over at once.
    pub(crate) is_stale: bool,
    /// The offset was chosen, not read, and is to be committed at once, or a crash would choose again.
    pub(crate) commit: bool,
    /// The group's offset where it lies below the start and its records are gone.
    pub(crate) gone_from: Option<i64>,
    /// The user wants it there: offsets that it passes over do not count as lost.
    pub(crate) sought: bool,
    /// The records that are skipped from there on.
    pub(crate) older: Option<Older>,
    /// The rows that its nodes go on with.
    pub(crate) kept: Option<KeptState>,
}

/// Records that are older than the time which the start was chosen by: in a log times need not ascend, and the first entry of that time may be
/// the end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Older {
    /// In milliseconds since 1970.
    pub(crate) than: i64,
    /// The end of the log when the start was chosen: only records below are skipped. A later one with an old time is late, and
    /// is done.
    pub(crate) below: i64,
}

impl Older {
    pub(crate) fn is(self, record: &RecordRef<'_>) -> bool {
        record.offset < self.below && record.timestamp.is_some_and(|at| at < self.than)
    }
}

impl Start {
    /// Exactly there, with nothing known from before.
    pub(crate) fn at(offset: i64) -> Self {
        Self {
            offset,
            committed: None,
            lineage: None,
            claim: None,
            is_stale: false,
            commit: false,
            gone_from: None,
            sought: false,
            older: None,
            kept: None,
        }
    }

    /// There, since the user wants it.
    pub(crate) fn sought(offset: i64, older: Option<Older>) -> Self {
        Self { sought: true, older, ..Self::at(offset) }
    }
}

/// Decides where a partition starts.
pub(crate) fn decide(
    partition: &TopicPartition,
    known: Known,
    policy: StartPolicy,
    out_of_range: OutOfRange,
) -> Result<Start, StartError> {
    let Watermarks { first, stable, end } = known.watermarks;
    let (topic, number) = (|| partition.topic.to_string(), partition.partition);
    let is_stale = known.snapshot.is_some();
    let chosen = |offset| Start { committed: known.committed, is_stale, commit: true, ..Start::at(offset) };
    let Some(committed) = known.committed else {
        return match policy {
            StartPolicy::Earliest => Ok(Start { commit: false, ..chosen(first) }),
            // A log that ends below is another one than that which was there.
            StartPolicy::Latest => Ok(chosen(
                known.wanted.filter(|wanted| *wanted <= end).map_or(first, |wanted| wanted.max(first)),
            )),
            StartPolicy::Time => {
                let older = known.millis.map(|than| Older { than, below: end });
                Ok(Start { older, ..chosen(known.wanted.unwrap_or(stable)) })
            }
            StartPolicy::Error => Err(StartError::NoOffset { topic: topic(), partition: number }),
        };
    };
    // Also above an open transaction: that it could be read before says that it is there, and it is waited for.
    if (first..=end).contains(&committed) {
        let (lineage, said) = known.metadata.map(|said| (said.lineage, said.claim)).unzip();
        // A row of another frontier proves nothing, nor does one from before the group went back: its records are processed again.
        let row = known.snapshot.filter(|row| row.frontier == committed && Some(row.lineage) == lineage);
        let is_stale = is_stale && row.is_none();
        let stored = row.and_then(|row| row.claim()).filter(|claim| !claim.runs.is_empty());
        let said = said.flatten();
        let is_cut = |claim: &DoneAbove| claim.runs.last().is_some_and(|last| last.end > end);
        if [&stored, &said].into_iter().flatten().any(is_cut) {
            // The log has lost records. Those in their place are not done, also when the log is as long again.
            return Ok(chosen(committed));
        }
        let claim = match (stored, said) {
            // Records that the group knows to be done are never done again, even if the store knows of more besides.
            (Some(stored), Some(said)) => Some(if stored.covers(&said) { stored } else { said }),
            (stored, said) => stored.or(said),
        };
        return Ok(Start { committed: Some(committed), lineage, claim, is_stale, ..Start::at(committed) });
    }
    let anew = |offset| {
        let gone_from = (committed < offset).then_some(committed);
        Start { committed: None, gone_from, ..chosen(offset) }
    };
    match out_of_range {
        OutOfRange::Earliest => Ok(anew(first)),
        OutOfRange::Latest => Ok(anew(stable)),
        OutOfRange::Error => {
            Err(StartError::OutOfRange { topic: topic(), partition: number, committed, first, end })
        }
    }
}

#[cfg(test)]
mod tests;
