//! Partitions that the user wants to rest: none of their records begins, those in flight go on, and the group keeps its members.
//!
//! **Wishes.** A partition that rests (`core/pause`) gets no credit, so its records wait in front of it like those of a slow
//! partition. A seek is a question to the broker and then a new generation whose start is committed at once (`driver/seek`).

use std::collections::BTreeSet;

use super::Core;
use crate::broker::TopicPartition;

/// The partitions that rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Everything,
    Topic(String),
    Partition(TopicPartition),
}

/// All that was asked for and not taken back; it holds for partitions that come later as well.
#[derive(Default)]
pub(super) struct Paused {
    everything: bool,
    topics: BTreeSet<String>,
    partitions: BTreeSet<TopicPartition>,
}

impl Paused {
    pub(super) fn covers(&self, partition: &TopicPartition) -> bool {
        self.everything || self.topics.contains(&*partition.topic) || self.partitions.contains(partition)
    }

    fn add(&mut self, rest: Rest) {
        match rest {
            Rest::Everything => self.everything = true,
            Rest::Topic(topic) => drop(self.topics.insert(topic)),
            Rest::Partition(partition) => drop(self.partitions.insert(partition)),
        }
    }

    /// The topics and partitions within `rest` go on, too.
    fn remove(&mut self, rest: &Rest) {
        match rest {
            Rest::Everything => *self = Self::default(),
            Rest::Topic(topic) => {
                self.topics.remove(topic);
                self.partitions.retain(|partition| *partition.topic != **topic);
            }
            Rest::Partition(partition) => drop(self.partitions.remove(partition)),
        }
    }
}

impl Core {
    pub(crate) fn pause(&mut self, rest: Rest) {
        self.paused.add(rest);
        self.apply_pauses();
    }

    pub(crate) fn resume(&mut self, rest: &Rest) {
        self.paused.remove(rest);
        self.apply_pauses();
    }

    fn apply_pauses(&mut self) {
        for part in self.parts.values_mut() {
            part.paused = self.paused.covers(&part.home.partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Paused, Rest};
    use crate::broker::TopicPartition;

    fn partition(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: Arc::from(topic), partition }
    }

    #[test]
    fn a_partition_rests_as_long_as_anything_says_so() {
        let mut paused = Paused::default();
        let (a0, a1, b0) = (partition("a", 0), partition("a", 1), partition("b", 0));
        paused.add(Rest::Topic("a".to_owned()));
        paused.add(Rest::Partition(b0.clone()));
        assert!([&a0, &a1, &b0].into_iter().all(|one| paused.covers(one)));
        paused.remove(&Rest::Partition(a0.clone()));
        assert!(paused.covers(&a0), "its topic rests");
        paused.add(Rest::Partition(a0.clone()));
        paused.remove(&Rest::Topic("a".to_owned()));
        assert!(!paused.covers(&a0) && !paused.covers(&a1) && paused.covers(&b0));
        paused.add(Rest::Everything);
        assert!(paused.covers(&a1));
        paused.remove(&Rest::Everything);
        assert!(![&a0, &a1, &b0].into_iter().any(|one| paused.covers(one)));
    }
}
