//! Records that are lent straight out of librdkafka's buffers.

use rdkafka::message::{BorrowedMessage, Message};

use super::raw;
use crate::{
    broker::{ReadHeaders, RecordRef},
    record::Headers,
};

/// A record in librdkafka's memory, with the slot of its partition.
pub(super) struct Lent<'c> {
    message: BorrowedMessage<'c>,
    slot: u32,
}

impl<'c> Lent<'c> {
    pub(super) fn new(message: BorrowedMessage<'c>, slot: u32) -> Self {
        Self { message, slot }
    }

    /// How many bytes key and value have.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.message.key_len() + self.message.payload_len()
    }

    pub(super) fn record(&self) -> RecordRef<'_> {
        RecordRef {
            slot: self.slot,
            offset: self.message.offset(),
            leader_epoch: raw::leader_epoch(&self.message),
            timestamp: self.message.timestamp().to_millis(),
            key: self.message.key(),
            value: self.message.payload(),
            headers: self,
        }
    }
}

impl ReadHeaders for Lent<'_> {
    fn read(&self, into: &mut Headers) {
        headers(&self.message, into);
    }

    #[cfg(feature = "opentelemetry")]
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        let mut last = None;
        raw::headers(&self.message, |known, value| {
            if known == name.as_bytes() {
                last = value;
            }
        });
        last.map(<[u8]>::to_vec)
    }
}

/// Appends all headers of a message that can be kept.
pub(super) fn headers(message: &BorrowedMessage<'_>, into: &mut Headers) {
    let are_known = raw::headers(message, |name, value| match std::str::from_utf8(name) {
        Ok(name) => into.push(name, value),
        // Kafka says that names are text, and no client that keeps to it can write this one again.
        Err(_) => into.drop_one(),
    });
    if !are_known {
        into.drop_one();
    }
}
