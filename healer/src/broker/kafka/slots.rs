//! From a record to the number that the engine gave to its partition, without reading the topic's name each time.

use std::{collections::HashMap, sync::Arc};

use rdkafka::message::{BorrowedMessage, Message};

use crate::broker::{Assignment, TopicPartition};

/// The assigned partitions.
///
/// A topic is told by the address of librdkafka's handle. That handle lives as long as a partition of its topic is
/// assigned or a record of it is held, and all addresses are forgotten when the assignment changes, so an address
/// that was freed and given to another topic is never taken for the old one.
#[derive(Debug, Default)]
pub(super) struct Slots {
    names: HashMap<Arc<str>, HashMap<i32, u32>>,
    seen: HashMap<(usize, i32), Option<u32>>,
    last: Option<((usize, i32), Option<u32>)>,
}

impl Slots {
    pub(super) fn add(&mut self, assignment: &[Assignment]) {
        self.forget();
        for Assignment { partition, slot, .. } in assignment {
            self.names.entry(Arc::clone(&partition.topic)).or_default().insert(partition.partition, *slot);
        }
    }

    pub(super) fn remove(&mut self, partitions: &[TopicPartition]) {
        self.forget();
        for TopicPartition { topic, partition } in partitions {
            if let Some(of_topic) = self.names.get_mut(topic) {
                of_topic.remove(partition);
                if of_topic.is_empty() {
                    self.names.remove(topic);
                }
            }
        }
    }

    pub(super) fn by_name(&self, topic: &str, partition: i32) -> Option<u32> {
        self.names.get(topic)?.get(&partition).copied()
    }

    /// The slot of a record; `None` where its partition is not assigned (any more).
    pub(super) fn of(&mut self, message: &BorrowedMessage<'_>) -> Option<u32> {
        // The address is compared, never followed.
        let key = (message.topic_ptr().addr(), message.partition());
        // Records come in runs of one partition.
        if let Some((last, slot)) = self.last
            && last == key
        {
            return slot;
        }
        let slot = if let Some(slot) = self.seen.get(&key) {
            *slot
        } else {
            let slot = self.by_name(message.topic(), message.partition());
            self.seen.insert(key, slot);
            slot
        };
        self.last = Some((key, slot));
        slot
    }

    fn forget(&mut self) {
        self.seen.clear();
        self.last = None;
    }
}
