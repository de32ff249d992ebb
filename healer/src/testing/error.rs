//! What can go wrong with the embedded Kafka.

use crate::broker::BrokerError;

/// What the mock keeps of a partition; it drops the oldest beyond that, and says nothing.
pub(super) const MOST_RECORDS: u64 = 100_000;
pub(super) const MOST_BYTES: u64 = 5 * 1024 * 1024;

/// Why the embedded Kafka could not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The topic was not created.
    #[error("topic {topic:?} does not exist in the embedded Kafka; create it with `create_topic` first")]
    UnknownTopic {
        /// Its name.
        topic: String,
    },
    /// The topic has fewer partitions.
    #[error("topic {topic:?} has {partitions} partitions, there is no partition {partition}")]
    UnknownPartition {
        /// The topic's name.
        topic: String,
        /// What was asked for.
        partition: i32,
        /// How many there are.
        partitions: usize,
    },
    /// The partition holds as much as the mock keeps; nothing of this call was sent.
    #[error(
        "{topic}[{partition}] would hold {records} records of about {bytes} bytes, and the embedded Kafka keeps at most \
         {MOST_RECORDS} records or {MOST_BYTES} bytes a partition and drops the oldest; create the topic with more \
         partitions, produce less, or use a real Kafka"
    )]
    Full {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// How many records it would hold.
        records: u64,
        /// About how many bytes it would hold.
        bytes: u64,
    },
    /// Other producers have sent more than the mock keeps.
    #[error(
        "{topic}[{partition}] lost its records below offset {first}: more was sent than the embedded Kafka keeps"
    )]
    Dropped {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// The first offset that is left.
        first: i64,
    },
    /// Anything else; the text says what.
    #[error("{0}")]
    Failed(String),
}

impl From<BrokerError> for EmbeddedError {
    fn from(error: BrokerError) -> Self {
        Self::Failed(error.text)
    }
}
