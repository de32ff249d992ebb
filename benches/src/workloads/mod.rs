//! What flows through the sides.

pub(crate) mod flights;

use anyhow::Result;
use clap::ValueEnum;
use healer_tests::kafka::{RealKafka, Record};
use serde::{Deserialize, Serialize};

/// Records, and what is done with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Workload {
    /// Real flights as JSON in 4 partitions, keyed by tail number, through two cheap functions.
    Flights,
}

/// Real records, to be repeated as often as a measurement needs.
pub(crate) struct Supply {
    records: Vec<Record>,
    /// Where they come from, in words.
    pub(crate) origin: String,
    partitions: u16,
}

impl Workload {
    /// Reads the records.
    pub(crate) fn supply(self) -> Result<Supply> {
        match self {
            Self::Flights => flights::supply(),
        }
    }
}

impl Supply {
    /// How many records there are before they repeat.
    pub(crate) fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// Makes the topic.
    pub(crate) fn create_topic(&self, kafka: &RealKafka, topic: &str) -> Result<()> {
        kafka.create_topic(topic, self.partitions, &[])
    }

    /// Produces the records of a topic that has `from` of them, until it has `to`.
    pub(crate) fn fill(&self, kafka: &RealKafka, topic: &str, from: u64, to: u64) -> Result<()> {
        let start = usize::try_from(from % self.len().max(1))?;
        let count = usize::try_from(to.saturating_sub(from))?;
        kafka.produce(topic, self.records.iter().cycle().skip(start).take(count).cloned())?;
        Ok(())
    }
}
