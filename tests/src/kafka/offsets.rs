//! Offsets: where topics begin and end, and the commits of groups.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use super::RealKafka;
use super::client::{LIMIT, partitions, until};

impl RealKafka {
    /// The offsets that a group committed in a topic; partitions without a commit are left out.
    ///
    /// # Errors
    /// There is no such topic, or the broker does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let client = self.consumer(group)?;
        let mut list = TopicPartitionList::new();
        for partition in partitions(&client, topic)? {
            list.add_partition(topic, partition);
        }
        let mut committed = BTreeMap::new();
        let found = coordinated(|| client.committed_offsets(list.clone(), LIMIT))?;
        for found in found.elements() {
            found.error().with_context(|| format!("{topic}:{}", found.partition()))?;
            if let Offset::Offset(offset) = found.offset() {
                committed.insert(found.partition(), offset);
            }
        }
        Ok(committed)
    }

    /// Commits for a group that has no members now; any offset is accepted, also one beyond the end.
    ///
    /// # Errors
    /// The group has members, or the broker does not answer.
    pub fn set_committed(&self, group: &str, topic: &str, offsets: &BTreeMap<i32, i64>) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in offsets {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        let client = self.consumer(group)?;
        coordinated(|| client.commit(&list, CommitMode::Sync))
            .with_context(|| format!("group {group} cannot commit"))
    }

    /// The offset that the next record of each partition gets.
    ///
    /// # Errors
    /// There is no such topic, or the broker does not answer.
    pub fn end_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>> {
        self.watermarks(topic, |(_, end)| end)
    }

    /// The offset of the first record that each partition still has.
    ///
    /// # Errors
    /// There is no such topic, or the broker does not answer.
    pub fn begin_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>> {
        self.watermarks(topic, |(begin, _)| begin)
    }

    fn watermarks(&self, topic: &str, take: impl Fn((i64, i64)) -> i64) -> Result<BTreeMap<i32, i64>> {
        let client = self.consumer("watermarks")?;
        let all = partitions(&client, topic)?;
        all.into_iter().map(|at| Ok((at, take(client.fetch_watermarks(topic, at, LIMIT)?)))).collect()
    }
}

/// Asks the coordinator of a group. A broker that has just started leads the partitions of the groups before it has read them: until
/// then it is no coordinator yet, and a client has to ask again.
fn coordinated<T>(mut ask: impl FnMut() -> KafkaResult<T>) -> Result<T> {
    let mut answer = None;
    until("the group has a coordinator", || {
        match ask() {
            Err(KafkaError::MetadataFetch(code) | KafkaError::ConsumerCommit(code))
                if matches!(
                    code,
                    Code::NotCoordinator | Code::CoordinatorNotAvailable | Code::CoordinatorLoadInProgress
                ) => {}
            other => answer = Some(other?),
        }
        Ok(answer.is_some())
    })?;
    answer.context("the coordinator has answered")
}
