//! Topics: making, removing, cutting.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use rdkafka::admin::{AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::RealKafka;
use super::client::{LIMIT, admin_options, until, wait};

impl RealKafka {
    /// Makes a topic and waits until it can be written. `configs` are topic properties and their values.
    ///
    /// # Errors
    /// The topic exists, a property is wrong, or the broker does not answer.
    pub fn create_topic(&self, name: &str, partitions: u16, configs: &[(&str, &str)]) -> Result<()> {
        let mut topic = NewTopic::new(name, i32::from(partitions), TopicReplication::Fixed(1));
        for (key, value) in configs {
            topic = topic.set(key, value);
        }
        let results = wait(self.admin()?.create_topics([&topic], &admin_options()))?;
        check(results).with_context(|| format!("topic {name} cannot be made"))?;
        self.until_led(name, partitions)
    }

    /// Gives a topic so many partitions, more than it has, and waits until they can be written.
    ///
    /// # Errors
    /// There is no such topic, it has as many, or the broker does not answer.
    pub fn grow_topic(&self, name: &str, partitions: u16) -> Result<()> {
        let more = NewPartitions::new(name, usize::from(partitions));
        check(wait(self.admin()?.create_partitions([&more], &admin_options()))?)
            .with_context(|| format!("topic {name} cannot grow"))?;
        self.until_led(name, partitions)
    }

    fn until_led(&self, name: &str, partitions: u16) -> Result<()> {
        let client = self.consumer("topics")?;
        until(&format!("topic {name} has leaders"), || {
            let metadata = client.fetch_metadata(Some(name), LIMIT)?;
            Ok(metadata.topics().iter().any(|topic| {
                topic.partitions().len() == usize::from(partitions)
                    && topic.partitions().iter().all(|partition| partition.leader() >= 0)
            }))
        })
    }

    /// Gives a topic these properties instead of those that it was made with.
    ///
    /// # Errors
    /// There is no such topic, a property is wrong, or the broker does not answer.
    pub fn alter_topic(&self, name: &str, configs: &[(&str, &str)]) -> Result<()> {
        let change = AlterConfig::new(ResourceSpecifier::Topic(name));
        let change = configs.iter().fold(change, |change, (key, value)| change.set(key, value));
        let results = wait(self.admin()?.alter_configs(&[change], &admin_options()))?;
        let refused = results.into_iter().find_map(Result::err);
        refused.map_or(Ok(()), |(_, code)| Err(anyhow!("topic {name} cannot be altered: {code}")))
    }

    /// Removes a topic and waits until it is gone.
    ///
    /// # Errors
    /// There is no such topic, or the broker does not answer.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let results = wait(self.admin()?.delete_topics(&[name], &admin_options()))?;
        check(results).with_context(|| format!("topic {name} cannot be removed"))?;
        let client = self.consumer("topics")?;
        until(&format!("topic {name} is gone"), || Ok(!topics_of(&client)?.iter().any(|t| t == name)))
    }

    /// The names of all topics, without the broker's own.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn topics(&self) -> Result<Vec<String>> {
        topics_of(&self.consumer("topics")?)
    }

    /// Removes the records below an offset in each of the partitions named, as retention does.
    ///
    /// # Errors
    /// An offset lies beyond the end, there is no such partition, or the broker does not answer.
    pub fn delete_records(&self, topic: &str, below: &BTreeMap<i32, i64>) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in below {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        let results = wait(self.admin()?.delete_records(&list, &admin_options()))?;
        for result in results.elements() {
            result.error().with_context(|| format!("records of {topic}:{}", result.partition()))?;
        }
        Ok(())
    }
}

fn topics_of(client: &BaseConsumer) -> Result<Vec<String>> {
    let metadata = client.fetch_metadata(None, LIMIT)?;
    let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
    Ok(names.filter(|name| !name.starts_with("__")).collect())
}

/// One failed topic fails all.
fn check(results: Vec<rdkafka::admin::TopicResult>) -> Result<()> {
    for result in results {
        result.map_err(|(_, code)| anyhow!("{code}"))?;
    }
    Ok(())
}
