//! Records that were fetched before their lane could take them.

use std::collections::VecDeque;

use crate::{
    broker::{BadHeaders, ReadHeaders, RecordRef},
    context::Headers,
};

/// A record that was fetched before its lane could take it.
struct Waiting {
    offset: i64,
    leader_epoch: Option<i32>,
    timestamp: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: WaitingHeaders,
}

struct WaitingHeaders(Result<Headers, BadHeaders>);

impl ReadHeaders for WaitingHeaders {
    fn read(&self, into: &mut Headers) -> Result<(), BadHeaders> {
        let headers = self.0.as_ref().map_err(Clone::clone)?;
        headers.iter().for_each(|(name, value)| into.push(name, value));
        Ok(())
    }
}

impl Waiting {
    /// What it takes up, with what is kept beside its bytes.
    fn bytes(&self) -> usize {
        let held = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let header = |(name, value): (&str, Option<&[u8]>)| name.len() + value.map_or(0, <[u8]>::len);
        let headers = self.headers.0.as_ref().map_or(0, |headers| headers.iter().map(header).sum());
        size_of::<Self>() + held(&self.key) + held(&self.value) + headers
    }

    fn new(record: &RecordRef<'_>, with_headers: bool) -> Self {
        let mut headers = Headers::new();
        let read = if with_headers { record.headers.read(&mut headers) } else { Ok(()) };
        Self {
            offset: record.offset,
            leader_epoch: record.leader_epoch,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: WaitingHeaders(read.map(|()| headers)),
        }
    }

    fn lend(&self, slot: u32) -> RecordRef<'_> {
        RecordRef {
            slot,
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &self.headers,
        }
    }
}

/// Records that wait, in the order of their offsets.
#[derive(Default)]
pub(super) struct Backlog {
    records: VecDeque<Waiting>,
    bytes: usize,
}

impl Backlog {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first offset.
    pub(super) fn first(&self) -> Option<i64> {
        self.records.front().map(|record| record.offset)
    }

    /// Takes a copy, of the headers where a node of the chain reads them.
    pub(super) fn push(&mut self, record: &RecordRef<'_>, with_headers: bool) {
        let record = Waiting::new(record, with_headers);
        self.bytes += record.bytes();
        self.records.push_back(record);
    }

    /// Puts others behind these.
    pub(super) fn append(&mut self, others: &mut Self) {
        self.bytes += std::mem::take(&mut others.bytes);
        self.records.append(&mut others.records);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lends the first so many.
    pub(super) fn lend(&self, slot: u32, most: usize) -> Vec<RecordRef<'_>> {
        self.records.iter().take(most).map(|record| record.lend(slot)).collect()
    }

    /// Forgets the first so many.
    pub(super) fn take(&mut self, records: usize) {
        for record in self.records.drain(..records) {
            self.bytes -= record.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, Waiting};
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
        let own = size_of::<Waiting>();
        let mut backlog = Backlog::default();
        backlog.push(&record(7, b"seven bytes"), false);
        assert_eq!(backlog.bytes(), own + 3 + 11);
        let mut others = Backlog::default();
        others.push(&record(8, b""), true);
        assert_eq!(others.bytes(), own + 3 + 10, "headers count where they are kept");
        backlog.append(&mut others);
        assert_eq!((backlog.len(), others.len(), others.bytes()), (2, 0, 0));
        assert_eq!(
            backlog.lend(3, 1).iter().map(|record| (record.slot, record.offset)).collect::<Vec<_>>(),
            [(3, 7)]
        );
        backlog.take(1);
        assert_eq!((backlog.first(), backlog.bytes()), (Some(8), own + 3 + 10));
        backlog.take(1);
        assert_eq!((backlog.first(), backlog.bytes()), (None, 0));
    }
}
