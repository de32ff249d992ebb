//! The leader epoch of a record, which alone tells a log that was cut and filled again from the one that was read.
//!
//! rdkafka has no safe words for it, so this file, alone in healer, may use `unsafe`.
#![allow(unsafe_code)]

use rdkafka::{bindings::rd_kafka_message_leader_epoch, message::BorrowedMessage};

/// Under which leader of its partition a record was written; `None` for formats older than Kafka 0.11.
pub(super) fn of(message: &BorrowedMessage<'_>) -> Option<i32> {
    // SAFETY: the pointer is that of a consumed message, which `message` keeps alive, and the call only reads it.
    let epoch = unsafe { rd_kafka_message_leader_epoch(message.ptr()) };
    Some(epoch).filter(|epoch| *epoch >= 0)
}
