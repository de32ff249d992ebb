//! Records that were fetched before their lane could take them: copies, side by side in a few large pieces.

use std::{collections::VecDeque, ops::Range};

use crate::{
    broker::{BadHeaders, ReadHeaders, RecordRef},
    context::Headers,
};

/// How many bytes a piece holds, unless one record has more.
const PIECE: usize = 128 << 10;

/// A record of a piece: its key and then its value lie side by side from `start` on. One cache line.
struct Entry {
    offset: i64,
    timestamp: Option<i64>,
    leader_epoch: Option<i32>,
    start: usize,
    key: Option<u32>,
    value: Option<u32>,
    headers: KeptHeaders,
}

/// In a box, since few records have some that anybody reads.
struct KeptHeaders(Option<Box<Result<Headers, BadHeaders>>>);

impl KeptHeaders {
    const NONE: Self = Self(None);

    fn of(record: &RecordRef<'_>) -> Self {
        let mut headers = Headers::new();
        let read = record.headers.read(&mut headers).map(|()| headers);
        let none = read.as_ref().is_ok_and(Headers::is_empty);
        Self((!none).then(|| Box::new(read)))
    }

    fn bytes(&self) -> usize {
        let header = |(name, value): (&str, Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
        let kept = self.0.iter().flat_map(|read| read.as_ref().as_ref());
        kept.map(|headers| headers.iter().map(header).sum::<usize>()).sum()
    }
}

impl ReadHeaders for KeptHeaders {
    fn read(&self, into: &mut Headers) -> Result<(), BadHeaders> {
        let Some(read) = &self.0 else { return Ok(()) };
        let headers = read.as_ref().as_ref().map_err(Clone::clone)?;
        headers.iter().for_each(|(name, value)| into.push(name, value));
        Ok(())
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
    fn bytes(&self) -> usize {
        let held = self.key.unwrap_or(0) as usize + self.value.unwrap_or(0) as usize;
        size_of::<Self>() + held + self.headers.bytes()
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

    fn copy(&mut self, bytes: Option<&[u8]>) -> Option<u32> {
        let bytes = bytes?;
        self.bytes.extend_from_slice(bytes);
        // Lengths of the wire protocol are 32 bits wide.
        Some(u32::try_from(bytes.len()).unwrap_or_else(|_| unreachable!("no record is that large")))
    }

    fn left(&self) -> &[Entry] {
        &self.entries[self.taken..]
    }

    fn lend<'a>(&'a self, entry: &'a Entry, slot: u32) -> RecordRef<'a> {
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
const SPARE: usize = 16;

/// Pieces of all partitions that are empty again.
#[derive(Default)]
pub(super) struct Pool(Vec<Piece>);

impl Pool {
    /// Takes what was emptied of some records.
    pub(super) fn reclaim(&mut self, records: &mut Backlog) {
        let room = SPARE.saturating_sub(self.0.len());
        self.0.extend(records.spent.drain(..).take(room));
    }

    fn piece(&mut self) -> Piece {
        let mut piece = self.0.pop().unwrap_or_default();
        piece.bytes.clear();
        piece.entries.clear();
        piece.taken = 0;
        piece
    }
}

/// Records that wait, in the order of their offsets.
#[derive(Default)]
pub(super) struct Backlog {
    pieces: VecDeque<Piece>,
    /// Those of which all is taken.
    spent: Vec<Piece>,
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
    pub(super) fn push(&mut self, record: &RecordRef<'_>, with_headers: bool, pool: &mut Pool) {
        if self.pieces.back().is_none_or(Piece::is_full) {
            self.pieces.push_back(pool.piece());
        }
        let Some(piece) = self.pieces.back_mut() else { return };
        let entry = Entry {
            offset: record.offset,
            leader_epoch: record.leader_epoch,
            timestamp: record.timestamp,
            start: piece.bytes.len(),
            key: piece.copy(record.key),
            value: piece.copy(record.value),
            headers: if with_headers { KeptHeaders::of(record) } else { KeptHeaders::NONE },
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
        self.spent.extend(others.spent);
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
                self.spent.extend(self.pieces.pop_front());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Entry, PIECE, Pool, SPARE};
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
        let (mut backlog, mut pool) = (Backlog::default(), Pool::default());
        backlog.push(&record(7, b"seven bytes"), false, &mut pool);
        assert_eq!(backlog.bytes(), own + 3 + 11);
        let mut others = Backlog::default();
        others.push(&record(8, b""), true, &mut pool);
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
        let (mut backlog, mut pool) = (Backlog::default(), Pool::default());
        for offset in 0..100 {
            backlog.push(&record(offset, &value(offset)), false, &mut pool);
        }
        assert!(backlog.pieces.len() > 1 && backlog.bytes() > 4 * PIECE);
        backlog.take(17);
        backlog.push(&record(100, b""), false, &mut pool);
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

    #[test]
    fn pieces_are_filled_again_and_few_are_kept() {
        let (mut backlog, mut pool) = (Backlog::default(), Pool::default());
        let large = vec![1; PIECE];
        for round in 0..3 {
            for offset in 0..100 {
                backlog.push(&record(offset, &large), false, &mut pool);
            }
            backlog.take(99);
            assert_eq!(backlog.lend(0, 9)[0].value, Some(&*large), "round {round}");
            backlog.take(1);
            pool.reclaim(&mut backlog);
            assert_eq!((pool.0.len(), backlog.spent.len(), backlog.bytes()), (SPARE, 0, 0));
        }
        let capacity = |pool: &Pool| pool.0.iter().map(|piece| piece.bytes.capacity()).sum::<usize>();
        let before = capacity(&pool);
        backlog.push(&record(0, b"small"), false, &mut pool);
        assert_eq!(backlog.lend(0, 9)[0].value, Some(&b"small"[..]), "nothing is left of what was there");
        assert!(pool.0.len() == SPARE - 1 && capacity(&pool) < before);
    }

    #[test]
    fn headers_come_along_where_they_are_read() {
        let (mut backlog, mut pool) = (Backlog::default(), Pool::default());
        backlog.push(&record(0, b""), true, &mut pool);
        backlog.push(&record(1, b""), false, &mut pool);
        let read = |at: usize| {
            let mut headers = crate::context::Headers::new();
            backlog.lend(0, 2)[at].headers.read(&mut headers).unwrap();
            headers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!((read(0), read(1)), (vec!["trace".to_owned()], vec![]));
        assert_eq!(size_of::<Entry>(), 64);
    }
}
