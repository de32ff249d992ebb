//! The view of a record that a user's check gets.

use super::cluster::{Cluster, Log};

/// A record that the group has committed past, as [`Simulation::done_when`](super::Simulation::done_when) sees it.
pub struct Passed<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) cluster: &'a Cluster,
}

impl Passed<'_> {
    /// The topic that it was read from.
    pub fn topic(&self) -> &str {
        self.topic
    }

    /// Its partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Its key, if it has one.
    pub fn key(&self) -> Option<&[u8]> {
        self.key
    }

    /// Its value; a tombstone has none.
    pub fn value(&self) -> Option<&[u8]> {
        self.value
    }

    /// Whether a sink has written a record with this value to a topic.
    ///
    /// # Panics
    /// If the simulation has no such topic.
    pub fn was_sent(&self, topic: &str, value: &[u8]) -> bool {
        assert!(
            self.cluster.incarnation(topic).is_some(),
            "the simulation has no topic `{topic}` to look into: add it with `Simulation::sink({topic:?})`"
        );
        let holds = |log: &Log| log.records().any(|(_, record)| record.value.as_deref() == Some(value));
        (0..).map_while(|partition| self.cluster.log(topic, partition, holds)).any(|holds| holds)
    }
}
