//! Reading past rdkafka, which has no safe words for some things and panics over others: leader epochs, whether the group knows a
//! member, header names and commit metadata that are not UTF-8.
//!
//! This file, alone in healer, may use `unsafe`: calls that read the memory of librdkafka, and change nothing.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString},
    ptr, slice,
};

use rdkafka::{
    TopicPartitionList,
    bindings::{
        rd_kafka_consumer_group_metadata as metadata_of,
        rd_kafka_consumer_group_metadata_destroy as destroy_metadata,
        rd_kafka_consumer_group_metadata_generation_id as generation_id, rd_kafka_header_get_all,
        rd_kafka_message_headers, rd_kafka_message_leader_epoch, rd_kafka_resp_err_t as Code,
        rd_kafka_topic_partition_list_find,
    },
    consumer::Consumer as _,
    message::BorrowedMessage,
};

use super::context::Consumer;
use crate::broker::TopicPartition;

/// The generation of its group that a consumer is in, or its own epoch there: above 0 once the group has let it in. `None` where it
/// has no group.
pub(super) fn generation(consumer: &Consumer) -> Option<i32> {
    // SAFETY: the client lives as long as `consumer`. The call gives null, or a copy that belongs to the caller alone.
    let metadata = unsafe { metadata_of(consumer.client().native_ptr()) };
    if metadata.is_null() {
        return None;
    }
    // SAFETY: `metadata` is valid until it is destroyed, which is once, and after it was read.
    unsafe {
        let generation = generation_id(metadata);
        destroy_metadata(metadata);
        Some(generation)
    }
}

/// Under which leader of its partition a record was written; `None` for formats older than Kafka 0.11. This alone tells a log
/// that was cut and filled again from the one that was read.
pub(super) fn leader_epoch(message: &BorrowedMessage<'_>) -> Option<i32> {
    // SAFETY: the pointer is that of a consumed message, which `message` keeps alive, and the call only reads it.
    let epoch = unsafe { rd_kafka_message_leader_epoch(message.ptr()) };
    Some(epoch).filter(|epoch| *epoch >= 0)
}

/// Shows the name and value of each header, in order; `false` where the client cannot take the headers apart.
///
/// The client holds a name as C does: one with a zero byte ends there.
pub(super) fn headers<'m>(
    message: &'m BorrowedMessage<'_>,
    mut each: impl FnMut(&'m [u8], Option<&'m [u8]>),
) -> bool {
    let mut list = ptr::null_mut();
    // SAFETY: the pointer is that of a message that `message` keeps alive, and nobody else is in the call: a message is lent to
    // one thread at a time. The list that it gives is the message's own, lives as long as that, and is never changed.
    match unsafe { rd_kafka_message_headers(message.ptr(), &raw mut list) } {
        Code::RD_KAFKA_RESP_ERR_NO_ERROR => {}
        Code::RD_KAFKA_RESP_ERR__NOENT => return true,
        _ => return false,
    }
    for index in 0.. {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: `list` is valid, see above. The call writes to the three places only where there is a header of that number.
        let found =
            unsafe { rd_kafka_header_get_all(list, index, &raw mut name, &raw mut value, &raw mut size) };
        if found != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            break;
        }
        // SAFETY: the client ends each name with a zero byte, and keeps `size` bytes at a value that is not null. Both belong to
        // the list, which lives for `'m`.
        let (name, value) = unsafe {
            let bytes = |at| slice::from_raw_parts(at, size);
            (CStr::from_ptr(name), (!value.is_null()).then(|| bytes(value.cast::<u8>())))
        };
        each(name.to_bytes(), value);
    }
    true
}

/// The metadata of a committed offset; `None` where the list has none for this partition.
pub(super) fn metadata<'l>(list: &'l TopicPartitionList, of: &TopicPartition) -> Option<&'l [u8]> {
    let topic = CString::new(&*of.topic).ok()?;
    // SAFETY: the pointer is that of a list that `list` keeps alive, the name ends with a zero byte, and the call only reads both.
    let entry = unsafe { rd_kafka_topic_partition_list_find(list.ptr(), topic.as_ptr(), of.partition) };
    // SAFETY: the entry is an element of the list, which is borrowed for `'l`: nobody changes it meanwhile. Its metadata is
    // null, or so many bytes that belong to it.
    unsafe {
        let entry = entry.as_ref()?;
        let metadata = entry.metadata.cast::<u8>();
        (!metadata.is_null()).then(|| slice::from_raw_parts(metadata, entry.metadata_size))
    }
}
