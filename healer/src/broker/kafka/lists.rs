//! Lists of partitions, to and from rdkafka's own type, past its panics.
//!
//! `Debug` and `==` of rdkafka's list read commit metadata and may panic: this code never uses them.

use std::sync::Arc;

use rdkafka::{Offset, TopicPartitionList};

use crate::broker::{BrokerError, BrokerErrorKind, TopicPartition};

/// A list of these partitions with an offset each; `None` leaves it open.
pub(super) fn list<'a>(
    partitions: impl IntoIterator<Item = (&'a TopicPartition, Option<i64>)>,
) -> Result<TopicPartitionList, BrokerError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in partitions {
        check_name(&partition.topic)?;
        let mut entry = list.add_partition(&partition.topic, partition.partition);
        if let Some(offset) = offset {
            entry.set_offset(Offset::Offset(offset)).map_err(|_| BrokerError {
                kind: BrokerErrorKind::Configuration,
                text: format!("{offset} is no offset of {partition}: offsets start at 0"),
            })?;
        }
    }
    Ok(list)
}

/// A list of partitions without offsets.
pub(super) fn plain(partitions: &[TopicPartition]) -> Result<TopicPartitionList, BrokerError> {
    list(partitions.iter().map(|partition| (partition, None)))
}

/// The partitions of a list.
pub(super) fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let mut before: Option<Arc<str>> = None;
    let mut partitions = Vec::with_capacity(list.count());
    for entry in list.elements() {
        let topic = match &before {
            Some(topic) if **topic == *entry.topic() => Arc::clone(topic),
            _ => Arc::from(entry.topic()),
        };
        before = Some(Arc::clone(&topic));
        partitions.push(TopicPartition { topic, partition: entry.partition() });
    }
    partitions
}

/// rdkafka panics over a name that C cannot hold.
pub(super) fn check_name(topic: &str) -> Result<(), BrokerError> {
    if topic.is_empty() || topic.contains('\0') {
        let text = format!("{topic:?} is no topic name: it is empty or has a zero byte; correct the name");
        return Err(BrokerError { kind: BrokerErrorKind::Configuration, text });
    }
    Ok(())
}
