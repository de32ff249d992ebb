//! Copies of records, many side by side in one allocation that is used again.

use std::ops::Range;

use crate::{
    broker::{ReadHeaders, RecordRef},
    context::Headers,
};

/// How many bytes a piece holds, unless one record has more.
pub(super) const PIECE: usize = 128 << 10;

/// A record of a piece: its key and then its value lie side by side from `start` on. One cache line.
pub(super) struct Entry {
    pub(super) offset: i64,
    timestamp: Option<i64>,
    leader_epoch: Option<i32>,
    start: usize,
    key: Option<u32>,
    value: Option<u32>,
    headers: KeptHeaders,
}

/// In a box, since few records have some that anybody reads.
struct KeptHeaders(Option<Box<Headers>>);

impl KeptHeaders {
    const NONE: Self = Self(None);

    fn of(record: &RecordRef<'_>) -> Self {
        let mut headers = Headers::new();
        record.headers.read(&mut headers);
        let none = headers.is_empty() && headers.dropped() == 0;
        Self((!none).then(|| Box::new(headers)))
    }

    fn bytes(&self) -> usize {
        let header = |(name, value): (&str, Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
        self.0.iter().flat_map(|headers| headers.iter()).map(header).sum()
    }
}

impl ReadHeaders for KeptHeaders {
    fn read(&self, into: &mut Headers) {
        if let Some(headers) = &self.0 {
            into.append(headers);
        }
    }

    #[cfg(feature = "opentelemetry")]
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.0.as_deref()?.get(name).map(<[u8]>::to_vec)
    }
}

impl Entry {
    /// Where key and value lie.
    fn ranges(&self) -> (Option<Range<usize>>, Option<Range<usize>>) {
        let behind = self.start + self.key.unwrap_or(0) as usize;
        let value = self.value.map(|length| behind..behind + length as usize);
        (self.key.map(|_| self.start..behind), value)
    }

    /// What it takes up, with what is kept beside its bytes.
    pub(super) fn bytes(&self) -> usize {
        let held = self.key.unwrap_or(0) as usize + self.value.unwrap_or(0) as usize;
        size_of::<Self>() + held + self.headers.bytes()
    }
}

#[derive(Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// How many of them are taken.
    taken: usize,
}

impl Piece {
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() + self.entries.len() * size_of::<Entry>() >= PIECE
    }

    /// Takes a copy of a record; says how many bytes that takes up.
    pub(super) fn push(&mut self, record: &RecordRef<'_>, with_headers: bool) -> usize {
        let entry = Entry {
            offset: record.offset,
            leader_epoch: record.leader_epoch,
            timestamp: record.timestamp,
            start: self.bytes.len(),
            key: self.copy(record.key),
            value: self.copy(record.value),
            headers: if with_headers { KeptHeaders::of(record) } else { KeptHeaders::NONE },
        };
        let bytes = entry.bytes();
        self.entries.push(entry);
        bytes
    }

    /// Forgets the first so many; says how many bytes they took up.
    pub(super) fn take(&mut self, records: usize) -> usize {
        let bytes = self.left()[..records].iter().map(Entry::bytes).sum();
        self.taken += records;
        bytes
    }

    fn emptied(mut self) -> Self {
        self.bytes.clear();
        self.entries.clear();
        self.taken = 0;
        self
    }

    fn copy(&mut self, bytes: Option<&[u8]>) -> Option<u32> {
        let bytes = bytes?;
        self.bytes.extend_from_slice(bytes);
        // Lengths of the wire protocol are 32 bits wide.
        Some(u32::try_from(bytes.len()).unwrap_or_else(|_| unreachable!("no record is that large")))
    }

    pub(super) fn left(&self) -> &[Entry] {
        &self.entries[self.taken..]
    }

    pub(super) fn lend<'a>(&'a self, entry: &'a Entry, slot: u32) -> RecordRef<'a> {
        let (key, value) = entry.ranges();
        RecordRef {
            slot,
            offset: entry.offset,
            leader_epoch: entry.leader_epoch,
            timestamp: entry.timestamp,
            key: key.map(|range| &self.bytes[range]),
            value: value.map(|range| &self.bytes[range]),
            headers: &entry.headers,
        }
    }
}

/// How many pieces are kept for what comes next.
pub(super) const SPARE: usize = 16;

/// Pieces of all partitions that are empty again.
#[derive(Default)]
pub(super) struct Pool(pub(super) Vec<Piece>);

impl Pool {
    /// Takes pieces that were emptied, but none that grew for a large record.
    pub(super) fn reclaim(&mut self, spent: Spent) {
        let room = SPARE.saturating_sub(self.0.len());
        let usual = spent.0.into_iter().filter(|piece| piece.bytes.capacity() <= 2 * PIECE);
        self.0.extend(usual.take(room).map(Piece::emptied));
    }

    pub(super) fn piece(&mut self) -> Piece {
        self.0.pop().unwrap_or_default()
    }
}

/// Pieces of which all records are taken.
#[derive(Default)]
pub(super) struct Spent(pub(super) Vec<Piece>);
