//! Which records an error is about.

use std::{fmt, sync::Arc};

/// Records that lie side by side in a partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RowRange {
    /// Their topic.
    pub topic: Arc<str>,
    /// Their partition.
    pub partition: i32,
    /// The lowest offset.
    pub first: i64,
    /// The highest offset; the same for a single record.
    pub last: i64,
}

impl RowRange {
    /// The records of a batch as ranges.
    pub(crate) fn of(mut records: Vec<(Arc<str>, i32, i64)>) -> Vec<Self> {
        records.sort_unstable();
        records.dedup();
        let mut ranges: Vec<Self> = Vec::new();
        for (topic, partition, offset) in records {
            match ranges.last_mut() {
                Some(range)
                    if (&range.topic, range.partition, range.last + 1) == (&topic, partition, offset) =>
                {
                    range.last = offset;
                }
                _ => ranges.push(Self { topic, partition, first: offset, last: offset }),
            }
        }
        ranges
    }

    /// How many records there are.
    pub fn count(&self) -> u64 {
        self.last.abs_diff(self.first) + 1
    }
}

impl fmt::Display for RowRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", self.topic, self.partition, self.first)?;
        if self.last > self.first { write!(f, "..={}", self.last) } else { Ok(()) }
    }
}

/// How many ranges of a batch are shown.
const SHOWN: usize = 8;

/// A list that goes on where there are more.
pub(crate) struct Listed<'r>(pub(crate) &'r [RowRange]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, range) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{range}", if number == 0 { "" } else { ", " })?;
        }
        let more: u64 = self.0.iter().skip(SHOWN).map(RowRange::count).sum();
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}
