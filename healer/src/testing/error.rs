//! The errors of the embedded Kafka.

use crate::broker::BrokerError;

/// The bytes that the mock keeps of a partition, as they were sent. It drops the oldest batches beyond that, and says nothing; there is
/// no setting for it.
pub(super) const MOST_BYTES: u64 = 5 * 1024 * 1024;

/// The ways out, for a test that needs more room.
const WAY_OUT: &str =
    "create the topic with more partitions, produce less, or use a real Kafka: `healer::testing` tells how";

/// Why a call of the embedded Kafka failed.
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
        /// The partition that was asked for.
        partition: i32,
        /// How many there are.
        partitions: usize,
    },
    /// The partition holds as much as the mock keeps; nothing of this call was sent.
    #[error(
        "{topic}[{partition}] would hold {records} records of up to {bytes} bytes, and the embedded Kafka keeps {MOST_BYTES} bytes a \
         partition and drops the oldest records beyond; nothing was sent. To hold more, {WAY_OUT}"
    )]
    Full {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// How many records it would hold.
        records: u64,
        /// How many bytes it would hold at most.
        bytes: u64,
    },
    /// More was sent than the mock keeps, by a pipeline or another producer.
    #[error(
        "{topic}[{partition}] lost its records below offset {first}: more was sent than the {MOST_BYTES} bytes that the embedded Kafka \
         keeps of a partition. To hold more, {WAY_OUT}"
    )]
    Dropped {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// The first offset that is left.
        first: i64,
    },
    /// Any other failure, described by the text.
    #[error("{0}")]
    Failed(String),
}

impl From<BrokerError> for EmbeddedError {
    fn from(error: BrokerError) -> Self {
        Self::Failed(error.text)
    }
}
