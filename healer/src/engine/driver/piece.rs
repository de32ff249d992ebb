//! Copies of records, many side by side in one allocation that is used again.

use std::{ops::Range, sync::Arc};

use crate::{
    broker::{ReadHeaders, RecordRef},
    context::body_of,
    record::Headers,
};

/// How many bytes a piece holds, with a last record beyond.
pub(super) const PIECE: usize = 128 << 10;

/// From how many bytes on a record lies by itself: a dead letter may share it then, and no small record keeps a piece.
pub(super) const LARGE: usize = 16 << 10;

/// A record of a piece: its key and then its value lie side by side from `start` on, or by themselves. One cache line.
pub(super) struct Entry {
    pub(super) offset: i64,
    timestamp: Option<i64>,
    leader_epoch: Option<i32>,
    start: usize,
    key: Option<u32>,
    value: Option<u32>,
    beside: Beside,
}

/// In a box, since few records are large or have headers that anybody reads.
struct Beside(Option<Box<Kept>>);

struct Kept {
    headers: Headers,
    body: Option<Arc<Vec<u8>>>,
}

impl Beside {
    const NONE: Self = Self(None);

    fn of(record: &RecordRef<'_>, with_headers: bool) -> Self {
        let mut headers = Headers::new();
        if with_headers {
            record.headers.read(&mut headers);
        }
        let body = (record.bytes() >= LARGE).then(|| Arc::new(body_of(record.key, record.value)));
        let none = headers.is_empty() && headers.dropped() == 0 && body.is_none();
        Self((!none).then(|| Box::new(Kept { headers, body })))
    }

    fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.headers.bytes())
    }
}

impl ReadHeaders for Beside {
    fn read(&self, into: &mut Headers) {
        if let Some(kept) = &self.0 {
            into.append(&kept.headers);
        }
    }

    fn body(&self) -> Option<&Arc<Vec<u8>>> {
        self.0.as_ref()?.body.as_ref()
    }

    #[cfg(feature = "opentelemetry")]
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.0.as_deref()?.headers.get(name).map(<[u8]>::to_vec)
    }
}

impl Entry {
    /// Where key and value lie.
    fn ranges(&self) -> (Option<Range<usize>>, Option<Range<usize>>) {
        let behind = self.start + self.key.unwrap_or(0) as usize;
        let value = self.value.map(|length| behind..behind + length as usize);
        (self.key.map(|_| self.start..behind), value)
    }

    /// Its size in bytes: its own, its key and value, and all that is kept beside them.
    pub(super) fn bytes(&self) -> usize {
        let held = self.key.unwrap_or(0) as usize + self.value.unwrap_or(0) as usize;
        size_of::<Self>() + held + self.beside.bytes()
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
        let beside = if with_headers || record.bytes() >= LARGE {
            Beside::of(record, with_headers)
        } else {
            Beside::NONE
        };
        let shared = beside.body().is_some();
        let entry = Entry {
            offset: record.offset,
            leader_epoch: record.leader_epoch,
            timestamp: record.timestamp,
            start: if shared { 0 } else { self.bytes.len() },
            key: self.copy(record.key, shared),
            value: self.copy(record.value, shared),
            beside,
        };
        let bytes = entry.bytes();
        self.entries.push(entry);
        bytes
    }

    /// Forgets the first so many; says how many bytes they took up.
    pub(super) fn take(&mut self, records: usize) -> usize {
        let taken = &mut self.entries[self.taken..][..records];
        let bytes = taken.iter().map(Entry::bytes).sum();
        // The rest of the piece may wait for long.
        for entry in taken {
            entry.beside = Beside::NONE;
        }
        self.taken += records;
        bytes
    }

    fn emptied(mut self) -> Self {
        self.bytes.clear();
        self.entries.clear();
        self.taken = 0;
        self
    }

    fn copy(&mut self, bytes: Option<&[u8]>, shared: bool) -> Option<u32> {
        let bytes = bytes?;
        if !shared {
            self.bytes.extend_from_slice(bytes);
        }
        // Lengths of the wire protocol are 32 bits wide.
        Some(u32::try_from(bytes.len()).unwrap_or_else(|_| unreachable!("no record is that large")))
    }

    pub(super) fn left(&self) -> &[Entry] {
        &self.entries[self.taken..]
    }

    pub(super) fn lend<'a>(&'a self, entry: &'a Entry, slot: u32) -> RecordRef<'a> {
        let (key, value) = entry.ranges();
        let bytes = entry.beside.body().map_or(&self.bytes, |body| body);
        RecordRef {
            slot,
            offset: entry.offset,
            leader_epoch: entry.leader_epoch,
            timestamp: entry.timestamp,
            key: key.map(|range| &bytes[range]),
            value: value.map(|range| &bytes[range]),
            headers: &entry.beside,
        }
    }
}

/// How many pieces are kept for the next records.
pub(super) const SPARE: usize = 16;

/// Pieces of all partitions that are empty again.
#[derive(Default)]
pub(super) struct Pool(pub(super) Vec<Piece>);

impl Pool {
    /// Takes pieces that were emptied.
    pub(super) fn reclaim(&mut self, spent: Spent) {
        let room = SPARE.saturating_sub(self.0.len());
        self.0.extend(spent.0.into_iter().take(room).map(Piece::emptied));
    }

    pub(super) fn piece(&mut self) -> Piece {
        self.0.pop().unwrap_or_default()
    }
}

/// Pieces of which all records are taken.
#[derive(Default)]
pub(super) struct Spent(pub(super) Vec<Piece>);
