//! The records of partitions in memory.

use std::{ops::Range, sync::Arc};

use crate::{
    broker::{ReadHeaders, RecordRef, TopicPartition},
    record::Headers,
    testing::TestRecord,
};

/// A partition and its records.
pub(super) struct Part {
    pub(super) partition: TopicPartition,
    pub(super) records: Records,
}

/// The records of a partition.
pub(super) enum Records {
    /// So many, from offset 0 on, round and round.
    Round(Arc<[TestRecord]>, i64),
    /// One at least, each at its offset, in order.
    At(Vec<(i64, TestRecord)>),
}

impl Records {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Round(_, count) => usize::try_from(*count).unwrap_or(usize::MAX),
            Self::At(list) => list.len(),
        }
    }

    /// The offset of a place; behind the last, where the next would be.
    pub(super) fn offset(&self, place: usize) -> i64 {
        match self {
            Self::Round(..) => i64::try_from(place).unwrap_or(i64::MAX),
            Self::At(list) => list.get(place).map_or_else(|| self.end(), |(offset, _)| *offset),
        }
    }

    /// The records at these places.
    pub(super) fn lend(&self, slot: u32, places: Range<usize>) -> Vec<RecordRef<'_>> {
        match self {
            Self::Round(sample, _) => {
                let lend = |place: usize| {
                    let (offset, record) = (self.offset(place), &sample[place % sample.len()]);
                    RecordRef {
                        timestamp: Some(record.timestamp.unwrap_or(offset)),
                        ..record.at(slot, offset)
                    }
                };
                places.map(lend).collect()
            }
            Self::At(list) => list[places].iter().map(|(offset, record)| record.at(slot, *offset)).collect(),
        }
    }

    /// The place of the first record from an offset on.
    pub(super) fn place(&self, offset: i64) -> usize {
        match self {
            Self::Round(..) => usize::try_from(offset).unwrap_or_default(),
            Self::At(list) => list.partition_point(|(at, _)| *at < offset),
        }
    }

    /// Behind the last.
    pub(super) fn end(&self) -> i64 {
        match self {
            Self::Round(_, count) => *count,
            Self::At(list) => list.last().map_or(0, |(last, _)| last + 1),
        }
    }

    /// Where a group has read to so far.
    pub(super) fn committed(&self) -> Option<i64> {
        match self {
            Self::Round(..) => None,
            Self::At(list) => list.first().map(|(first, _)| *first),
        }
    }
}

impl TestRecord {
    /// As a broker lends it.
    #[inline]
    pub(in crate::testing) fn at(&self, slot: u32, offset: i64) -> RecordRef<'_> {
        RecordRef {
            slot,
            offset,
            leader_epoch: Some(0),
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self,
        }
    }
}

impl ReadHeaders for TestRecord {
    fn read(&self, into: &mut Headers) {
        into.append(&self.headers);
    }
}
