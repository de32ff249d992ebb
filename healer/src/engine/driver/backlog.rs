//! Records that were fetched before their lane could take them: copies, side by side in a few large pieces.

use std::{collections::VecDeque, ops::Range};

use crate::{
    broker::{BadHeaders, ReadHeaders, RecordRef},
    context::Headers,
};

/// How many bytes a piece holds, unless one record has more.
const PIECE: usize = 128 << 10;

/// A record of a piece, and where its bytes lie.
struct Entry {
    offset: i64,
    leader_epoch: Option<i32>,
    timestamp: Option<i64>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: KeptHeaders,
}

struct KeptHeaders(Result<Headers, BadHeaders>);

impl KeptHeaders {
    fn of(record: &RecordRef<'_>) -> Self {
        let mut headers = Headers::new();
        Self(record.headers.read(&mut headers).map(|()| headers))
    }

    fn bytes(&self) -> usize {
        let header = |(name, value): (&str, Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
        self.0.as_ref().map_or(0, |headers| headers.iter().map(header).sum())
    }
}

impl ReadHeaders for KeptHeaders {
    fn read(&self, into: &mut Headers) -> Result<(), BadHeaders> {
        let headers = self.0.as_ref().map_err(Clone::clone)?;
        headers.iter().for_each(|(name, value)| into.push(name, value));
        Ok(())
    }
}

impl Entry {
    /// What it takes up, with what is kept beside its bytes.
    fn bytes(&self) -> usize {
        let held = |range: &Option<Range<usize>>| range.as_ref().map_or(0, Range::len);
        size_of::<Self>() + held(&self.key) + held(&self.value) + self.headers.bytes()
    }
}

#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// How many of them are taken.
    taken: usize,
}

impl Piece {
    fn is_full(&self) -> bool {
        self.bytes.len() + self.entries.len() * size_of::<Entry>() >= PIECE
    }

    fn copy(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    fn left(&self) -> &[Entry] {
        &self.entries[self.taken..]
    }

    fn lend<'a>(&'a self, entry: &'a Entry, slot: u32) -> RecordRef<'a> {
        let bytes = |range: &Range<usize>| &self.bytes[range.clone()];
        RecordRef {
            slot,
            offset: entry.offset,
            leader_epoch: entry.leader_epoch,
            timestamp: entry.timestamp,
            key: entry.key.as_ref().map(bytes),
            value: entry.value.as_ref().map(bytes),
            headers: &entry.headers,
        }
    }
}

/// Records that wait, in the order of their offsets.
#[derive(Default)]
pub(super) struct Backlog {
    pieces: VecDeque<Piece>,
    length: usize,
    bytes: usize,
}

impl Backlog {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What they take up, without what was taken before them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn entries(&self) -> impl Iterator<Item = (&Piece, &Entry)> {
        self.pieces.iter().flat_map(|piece| piece.left().iter().map(move |entry| (piece, entry)))
    }

    /// The first offset.
    pub(super) fn first(&self) -> Option<i64> {
        self.entries().next().map(|(_, entry)| entry.offset)
    }

    /// Takes a copy, of the headers where a node of the chain reads them.
    pub(super) fn push(&mut self, record: &RecordRef<'_>, with_headers: bool) {
        if self.pieces.back().is_none_or(Piece::is_full) {
            self.pieces.push_back(Piece::default());
        }
        let Some(piece) = self.pieces.back_mut() else { return };
        let headers = if with_headers { KeptHeaders::of(record) } else { KeptHeaders(Ok(Headers::new())) };
        let entry = Entry {
            offset: record.offset,
            leader_epoch: record.leader_epoch,
            timestamp: record.timestamp,
            key: record.key.map(|key| piece.copy(key)),
            value: record.value.map(|value| piece.copy(value)),
            headers,
        };
        self.length += 1;
        self.bytes += entry.bytes();
        piece.entries.push(entry);
    }

    /// Puts others behind these.
    pub(super) fn append(&mut self, others: &mut Self) {
        let others = std::mem::take(others);
        self.length += others.length;
        self.bytes += others.bytes;
        self.pieces.extend(others.pieces);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lends the first so many.
    pub(super) fn lend(&self, slot: u32, most: usize) -> Vec<RecordRef<'_>> {
        self.entries().take(most).map(|(piece, entry)| piece.lend(entry, slot)).collect()
    }

    /// Forgets the first so many.
    pub(super) fn take(&mut self, records: usize) {
        let mut more = records.min(self.length);
        self.length -= more;
        while let Some(piece) = self.pieces.front_mut()
            && more > 0
        {
            let now = more.min(piece.left().len());
            self.bytes -= piece.left()[..now].iter().map(Entry::bytes).sum::<usize>();
            piece.taken += now;
            more -= now;
            if piece.left().is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Entry, PIECE};
    use crate::broker::{BadHeaders, ReadHeaders, RecordRef};

    struct Headers;

    impl ReadHeaders for Headers {
        fn read(&self, into: &mut crate::context::Headers) -> Result<(), BadHeaders> {
            into.push("trace", Some(b"12345".as_slice()));
            Ok(())
        }
    }

    fn record(offset: i64, value: &[u8]) -> RecordRef<'_> {
        RecordRef {
            slot: 0,
            offset,
            leader_epoch: None,
            timestamp: None,
            key: Some(b"key"),
            value: Some(value),
            headers: &Headers,
        }
    }

    #[test]
    fn bytes_come_and_go_with_their_records() {
        let own = size_of::<Entry>();
        let mut backlog = Backlog::default();
        backlog.push(&record(7, b"seven bytes"), false);
        assert_eq!(backlog.bytes(), own + 3 + 11);
        let mut others = Backlog::default();
        others.push(&record(8, b""), true);
        assert_eq!(others.bytes(), own + 3 + 10, "headers count where they are kept");
        backlog.append(&mut others);
        assert_eq!((backlog.len(), others.len(), others.bytes()), (2, 0, 0));
        backlog.take(1);
        assert_eq!((backlog.first(), backlog.bytes()), (Some(8), own + 3 + 10));
        backlog.take(1);
        assert_eq!((backlog.first(), backlog.bytes(), backlog.len()), (None, 0, 0));
    }

    #[test]
    fn what_is_lent_is_what_was_pushed_over_many_pieces() {
        let value = |offset: i64| vec![u8::try_from(offset % 251).unwrap(); 10_000];
        let mut backlog = Backlog::default();
        for offset in 0..100 {
            backlog.push(&record(offset, &value(offset)), false);
        }
        assert!(backlog.pieces.len() > 1 && backlog.bytes() > 4 * PIECE);
        backlog.take(17);
        backlog.push(&record(100, b""), false);
        let lent = backlog.lend(3, 50);
        assert_eq!(lent.len(), 50);
        for (record, offset) in lent.iter().zip(17..) {
            let expected = value(offset);
            assert_eq!((record.slot, record.offset), (3, offset));
            assert_eq!((record.key, record.value), (Some(&b"key"[..]), Some(&*expected)));
        }
        backlog.take(83);
        assert_eq!((backlog.len(), backlog.first()), (1, Some(100)));
        assert_eq!(backlog.lend(0, 9)[0].value, Some(&b""[..]));
        backlog.take(1);
        assert_eq!((backlog.len(), backlog.bytes(), backlog.pieces.len()), (0, 0, 0));
    }
}
