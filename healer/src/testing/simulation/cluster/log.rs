//! Topics, and the logs of their partitions.

use std::sync::Arc;

use crate::{broker::ReadHeaders, record::Headers};

/// A partition: the topic's incarnation and the number.
pub(crate) type Tp = (usize, i32);

/// A record as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Different for each record that was ever written, also where offsets are the same.
    pub(crate) serial: u64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
    pub(crate) timestamp: Option<i64>,
}

impl ReadHeaders for Record {
    fn read(&self, into: &mut Headers) {
        into.append(&self.headers);
    }
}

/// The entry at an offset.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Record(Arc<Record>),
    /// A record that compaction took away.
    Compacted,
    /// A record of a transaction that was aborted: readers of committed records never see it.
    Aborted,
    /// The end of a transaction: not delivered, but a reader's position moves past it.
    Marker,
}

/// One partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// By offset, also those that were deleted at the beginning.
    pub(crate) entries: Vec<Entry>,
    /// The first offset that can be read.
    pub(crate) first: i64,
    /// Where the transaction begins that is open: readers of committed records do not see beyond.
    pub(super) open: Option<i64>,
    /// How often the end was moved back.
    pub(crate) truncations: u32,
    /// Leader epochs after the first, each with the offset at which it began.
    leaders: Vec<(i32, i64)>,
    elections: i32,
}

impl Log {
    pub(crate) fn end(&self) -> i64 {
        self.entries.len().cast_signed() as i64
    }

    /// How far a reader of committed records comes.
    pub(crate) fn stable(&self) -> i64 {
        self.open.map_or_else(|| self.end(), |open| open.max(self.first))
    }

    pub(super) fn entry(&self, offset: i64) -> Option<&Entry> {
        self.entries.get(usize::try_from(offset).ok()?)
    }

    /// The record that a reader finds at an offset.
    pub(crate) fn record(&self, offset: i64) -> Option<&Arc<Record>> {
        match self.entry(offset)? {
            Entry::Record(record) if offset >= self.first => Some(record),
            _ => None,
        }
    }

    /// All records that a reader finds now.
    pub(crate) fn records(&self) -> impl Iterator<Item = (i64, &Arc<Record>)> {
        (self.first..self.end()).filter_map(|offset| Some((offset, self.record(offset)?)))
    }

    /// Takes records away, never the last entry: Kafka leaves the segment that is written to alone.
    pub(super) fn compact(&mut self, mut goes: impl FnMut(i64, &Record) -> bool) {
        let last = self.entries.len().saturating_sub(1);
        for (offset, entry) in (0..).zip(&mut self.entries[..last]) {
            if let Entry::Record(record) = entry
                && goes(offset, record)
            {
                *entry = Entry::Compacted;
            }
        }
    }

    pub(super) fn truncate(&mut self, end: i64) {
        self.entries.truncate(usize::try_from(end).unwrap_or(0));
        self.open = self.open.filter(|open| *open < end);
        // A log never ends in entries that no reader sees: such a transaction is open still, and the newest is never compacted.
        while self.open.is_none()
            && let Some(Entry::Aborted | Entry::Compacted) = self.entries.last()
        {
            self.entries.pop();
        }
        self.first = self.first.min(self.end());
        self.truncations += 1;
        self.elect();
    }

    /// The partition gets another leader, which has all that is there.
    pub(super) fn elect(&mut self) {
        let end = self.end();
        self.leaders.retain(|(_, began)| *began < end);
        self.elections += 1;
        self.leaders.push((self.elections, end));
    }

    /// Under which leader the entry at an offset was written.
    pub(super) fn leader_epoch(&self, offset: i64) -> i32 {
        let leader = self.leaders.iter().rfind(|(_, began)| *began <= offset);
        leader.map_or(0, |(epoch, _)| *epoch)
    }
}

/// One incarnation of a topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) partitions: Vec<Log>,
    pub(crate) deleted: bool,
}
