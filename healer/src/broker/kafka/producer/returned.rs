//! Records that came back, to be sent once more.

use rdkafka::{
    Message as _, Timestamp,
    message::{BorrowedMessage, OwnedMessage},
    producer::BaseRecord,
};

use super::{Ticket, headers};
use crate::broker::OutRecord;

/// Why a record is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It was never tried: the client ended before, or is being replaced.
    Untried,
    /// The batch that it was in was refused, and nobody knows because of which record.
    Together,
    /// The client gave it up because of a fault that may pass.
    Passing,
}

/// A record whose fate is open.
pub(super) struct Returned {
    pub(super) ticket: Box<Ticket>,
    pub(super) why: Why,
    pub(super) message: OwnedMessage,
}

impl Returned {
    pub(super) fn of_delivery(message: &BorrowedMessage<'_>, ticket: Box<Ticket>, why: Why) -> Self {
        Self { ticket, why, message: message.detach() }
    }

    /// One that came while a client was being replaced.
    pub(super) fn of_record(record: &OutRecord<'_>, ticket: Box<Ticket>) -> Self {
        let message = OwnedMessage::new(
            record.value.map(<[u8]>::to_vec),
            record.key.map(<[u8]>::to_vec),
            record.topic.to_owned(),
            Timestamp::NotAvailable,
            0,
            0,
            headers(record.headers),
        );
        Self { ticket, why: Why::Untried, message }
    }
}

/// As it is sent once more. Its time stays; where it has none it is that of this sending.
pub(super) fn record_of(
    message: &OwnedMessage,
    ticket: Box<Ticket>,
) -> BaseRecord<'_, [u8], [u8], Box<Ticket>> {
    let timestamp = ticket.timestamp;
    let mut record = BaseRecord::with_opaque_to(message.topic(), ticket);
    record.key = message.key();
    record.payload = message.payload();
    record.timestamp = timestamp;
    record.headers = message.headers().cloned();
    record
}
