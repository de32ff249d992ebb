//! Records that are lent straight out of librdkafka's buffers.

use rdkafka::message::{BorrowedMessage, Message};

use super::{guard, leader_epoch};
use crate::{
    broker::{BadHeaders, ReadHeaders, RecordRef},
    context::Headers,
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

    pub(super) fn record(&self) -> RecordRef<'_> {
        RecordRef {
            slot: self.slot,
            offset: self.message.offset(),
            leader_epoch: leader_epoch::of(&self.message),
            timestamp: self.message.timestamp().to_millis(),
            key: self.message.key(),
            value: self.message.payload(),
            headers: self,
        }
    }
}

impl ReadHeaders for Lent<'_> {
    fn read(&self, into: &mut Headers) -> Result<(), BadHeaders> {
        self.message.headers().map_or(Ok(()), |headers| guard::headers(headers, into))
    }

    #[cfg(feature = "opentelemetry")]
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.message.headers().and_then(|headers| guard::header(headers, name))
    }
}
