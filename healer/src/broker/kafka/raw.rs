//! Reading past rdkafka, which has no safe words for some things and panics over others: leader epochs, whether the group knows a
//! member, high watermarks, header names and commit metadata that are not UTF-8.
//!
//! This file, alone in healer, may use `unsafe`: calls that read the memory of librdkafka, and change nothing.
#![allow(unsafe_code)]

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString},
    ptr, slice,
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    bindings::{
        rd_kafka_AdminOptions_destroy as destroy_options, rd_kafka_AdminOptions_new as new_options,
        rd_kafka_AdminOptions_set_request_timeout as set_timeout, rd_kafka_ListOffsets as list_offsets,
        rd_kafka_ListOffsets_result_infos as infos_of,
        rd_kafka_ListOffsetsResultInfo_topic_partition as entry_of, rd_kafka_admin_op_t as Operation,
        rd_kafka_consumer_group_metadata as metadata_of,
        rd_kafka_consumer_group_metadata_destroy as destroy_metadata,
        rd_kafka_consumer_group_metadata_generation_id as generation_id,
        rd_kafka_event_ListOffsets_result as result_of, rd_kafka_event_destroy as destroy_event,
        rd_kafka_event_error as error_of, rd_kafka_header_get_all, rd_kafka_message_headers,
        rd_kafka_message_leader_epoch, rd_kafka_queue_destroy as destroy_queue,
        rd_kafka_queue_new as new_queue, rd_kafka_queue_poll as poll, rd_kafka_resp_err_t as Code,
        rd_kafka_topic_partition_list_find,
    },
    consumer::Consumer as _,
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode,
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

/// The broker's answer for each partition that it was asked for.
pub(super) type Ends = BTreeMap<(String, i32), Result<i64, RDKafkaErrorCode>>;

/// The high watermarks of these partitions. All else that the client is asked goes by its `isolation.level`, and for a reader of
/// committed records ends where the first open transaction begins; this question alone goes by one of its own.
pub(super) fn ends(
    consumer: &Consumer,
    mut partitions: TopicPartitionList,
    wait: Duration,
) -> Result<Ends, KafkaError> {
    let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).max(1);
    partitions.set_all_offsets(Offset::End)?;
    let client = consumer.client().native_ptr();
    let mut why = [0; 128];
    // SAFETY: the client lives as long as `consumer`. Options and queue are made here and destroyed once, after their last use: the
    // request copies list and options, and holds a reference of its own to the queue. By default it reads uncommitted records, too.
    let event = unsafe {
        let options = new_options(client, Operation::RD_KAFKA_ADMIN_OP_LISTOFFSETS);
        let queue = new_queue(client);
        set_timeout(options, millis, why.as_mut_ptr(), why.len());
        list_offsets(client, partitions.ptr(), options, queue);
        // The client itself says when the time is over; the second more is for that answer.
        let event = poll(queue, millis.saturating_add(1_000));
        destroy_options(options);
        destroy_queue(queue);
        event
    };
    if event.is_null() {
        return Err(KafkaError::OffsetFetch(RDKafkaErrorCode::OperationTimedOut));
    }
    let mut ends = Ends::new();
    // SAFETY: the event belongs to this function alone, and is destroyed once, after it was read. Its result and the entries of that
    // live as long as the event, and each name ends with a zero byte.
    let code = unsafe {
        let code = error_of(event);
        let result = result_of(event);
        if !result.is_null() {
            let mut count = 0;
            let infos = infos_of(result, &raw mut count);
            for index in 0..count {
                let entry = &*entry_of(*infos.add(index));
                let end = match entry.err {
                    Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(entry.offset),
                    code => Err(code.into()),
                };
                ends.insert((CStr::from_ptr(entry.topic).to_string_lossy().into(), entry.partition), end);
            }
        }
        destroy_event(event);
        code
    };
    match code {
        Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(ends),
        code => Err(KafkaError::OffsetFetch(code.into())),
    }
}
