//! Reading a whole topic back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::client::partitions;
use super::{RealKafka, Stored};

/// How long the broker may say nothing.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

impl RealKafka {
    /// All records that a topic holds now, by partition and offset, without those of open or aborted
    /// transactions. They are all kept in memory.
    ///
    /// # Errors
    /// There is no such topic, the broker falls silent, or the name of a header is not UTF-8.
    pub fn read_all(&self, topic: &str) -> Result<Vec<Stored>> {
        let mut all = Vec::new();
        self.read_each(topic, |record| all.push(record))?;
        all.sort_by_key(|record| (record.partition, record.offset));
        Ok(all)
    }

    /// Hands over all records that a topic holds now, in order within each partition; as
    /// [`read_all`](Self::read_all), for topics too large to keep.
    ///
    /// # Errors
    /// As [`read_all`](Self::read_all).
    pub fn read_each(&self, topic: &str, mut take: impl FnMut(Stored)) -> Result<()> {
        let client = self.consumer("reading")?;
        let mut list = TopicPartitionList::new();
        let mut open = BTreeSet::new();
        for partition in partitions(&client, topic)? {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
            open.insert(partition);
        }
        client.assign(&list)?;
        let mut heard = Instant::now();
        while !open.is_empty() {
            match client.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => take(Stored::new(&message)?),
                // Only one topic is assigned, so the number alone says which partition.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                }
                Some(Err(error)) => bail!("topic {topic} cannot be read: {error}"),
                None if heard.elapsed() > SILENCE_LIMIT => {
                    bail!("topic {topic}: nothing for {} s", SILENCE_LIMIT.as_secs());
                }
                None => continue,
            }
            heard = Instant::now();
        }
        Ok(())
    }
}
