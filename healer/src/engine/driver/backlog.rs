//! Records that were fetched before their lane could take them: copies, side by side in a few large pieces.

use std::collections::VecDeque;

use super::piece::{Entry, Piece, Pool, Spent};
use crate::broker::RecordRef;

/// Records that wait, in the order of their offsets.
#[derive(Default)]
pub(super) struct Backlog {
    pieces: VecDeque<Piece>,
    spent: Spent,
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

    /// The bytes that they take up; records that were taken already do not count.
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
        self.length += 1;
        self.bytes += piece.push(record, with_headers);
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

    /// Gives the pieces that were emptied.
    pub(super) fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
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
            self.bytes -= piece.take(now);
            more -= now;
            if piece.left().is_empty() {
                self.spent.0.extend(self.pieces.pop_front());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::piece::{Entry, LARGE, PIECE, Pool, SPARE},
        Backlog,
    };
    use crate::{
        broker::{ReadHeaders, RecordRef},
        context::Original,
    };

    struct Headers;

    impl ReadHeaders for Headers {
        fn read(&self, into: &mut crate::record::Headers) {
            into.push("trace", Some(b"12345".as_slice()));
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
        let usual = vec![1; LARGE - 4];
        for round in 0..3 {
            for offset in 0..200 {
                backlog.push(&record(offset, &usual), false, &mut pool);
            }
            assert!(backlog.pieces.len() > SPARE);
            backlog.take(199);
            assert_eq!(backlog.lend(0, 9)[0].value, Some(&*usual), "round {round}");
            backlog.take(1);
            pool.reclaim(backlog.take_spent());
            assert_eq!((pool.0.len(), backlog.spent.0.len(), backlog.bytes()), (SPARE, 0, 0));
        }
        let capacity = |pool: &Pool| pool.0.iter().map(|piece| piece.bytes.capacity()).sum::<usize>();
        let before = capacity(&pool);
        backlog.push(&record(0, b"small"), false, &mut pool);
        assert_eq!(backlog.lend(0, 9)[0].value, Some(&b"small"[..]), "nothing is left of what was there");
        assert!(pool.0.len() == SPARE - 1 && capacity(&pool) < before);
    }

    #[test]
    fn a_large_record_lies_by_itself_is_shared_with_what_a_letter_needs_and_gone_when_all_have_let_go() {
        let (mut backlog, mut pool) = (Backlog::default(), Pool::default());
        let large = vec![7; LARGE];
        backlog.push(&record(0, &large), true, &mut pool);
        backlog.push(&record(1, b"small"), true, &mut pool);
        assert_eq!(backlog.bytes(), 2 * (size_of::<Entry>() + 3 + 10) + LARGE + 5);
        let lent = backlog.lend(0, 2);
        let original = Original::of(&lent[0]);
        assert_eq!((lent[0].key, lent[0].value), (Some(&b"key"[..]), Some(&*large)));
        assert_eq!((original.key(), original.value()), (lent[0].key, lent[0].value));
        assert_eq!(original.value().map(<[u8]>::as_ptr), lent[0].value.map(<[u8]>::as_ptr), "no copy");
        assert_eq!(original.headers.len(), 1);
        assert_ne!(Original::of(&lent[1]).value().map(<[u8]>::as_ptr), lent[1].value.map(<[u8]>::as_ptr));
        let body = lent[0].headers.body().map(Arc::downgrade).unwrap();
        drop(lent);
        backlog.take(1);
        assert!(body.upgrade().is_some() && backlog.pieces.len() == 1);
        drop(original);
        assert!(body.upgrade().is_none(), "what waits behind it keeps it");
        assert_eq!(backlog.lend(0, 1)[0].value, Some(&b"small"[..]));
    }

    #[test]
    fn headers_come_along_where_they_are_read() {
        let (mut backlog, mut pool) = (Backlog::default(), Pool::default());
        backlog.push(&record(0, b""), true, &mut pool);
        backlog.push(&record(1, b""), false, &mut pool);
        let read = |at: usize| {
            let mut headers = crate::record::Headers::new();
            backlog.lend(0, 2)[at].headers.read(&mut headers);
            headers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!((read(0), read(1)), (vec!["trace".to_owned()], vec![]));
        assert_eq!(size_of::<Entry>(), 64);
    }
}
