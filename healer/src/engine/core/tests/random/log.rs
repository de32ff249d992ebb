//! The logs of the partitions, and chance.

use std::collections::BTreeMap;

/// Where a log ends.
pub(super) const END: i64 = 120;

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A record, told from the one that was at its offset before the log was cut below it.
pub(super) type Record = (u32, i64, usize);

/// The logs of one seed.
pub(super) struct Log {
    pub(super) seed: u64,
    /// Where each log was cut, oldest first; it was filled again with other records.
    cuts: BTreeMap<u32, Vec<i64>>,
}

impl Log {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, cuts: BTreeMap::new() }
    }

    /// Whether the log has a record there; the others are markers and records that compaction took.
    pub(super) fn exists(&self, slot: u32, offset: i64) -> bool {
        let mix =
            self.seed.wrapping_add(u64::from(slot)).wrapping_mul(31).wrapping_add(offset.unsigned_abs());
        !Random(mix.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1).one_in(4)
    }

    pub(super) fn record(&self, slot: u32, offset: i64) -> Record {
        let cuts = self.cuts.get(&slot).into_iter().flatten().filter(|cut| **cut <= offset).count();
        (slot, offset, cuts)
    }

    /// All records of these offsets.
    pub(super) fn records(&self, slot: u32, offsets: std::ops::Range<i64>) -> impl Iterator<Item = Record> {
        offsets.filter(move |offset| self.exists(slot, *offset)).map(move |offset| self.record(slot, offset))
    }

    pub(super) fn cut(&mut self, slot: u32, at: i64) {
        self.cuts.entry(slot).or_default().push(at);
    }
}

/// The key of a record, which its fingerprint is made of.
pub(super) fn key((slot, offset, cuts): Record) -> Vec<u8> {
    format!("{slot}@{offset}, {cuts}").into_bytes()
}
