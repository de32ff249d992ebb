//! Why a partition has no place to start at.

/// Why there is no start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The group has no offset, and `start` says that this is an error.
    #[error(
        "the group has committed no offset for {topic}[{partition}] and `start` is `error`: commit one with your Kafka tools, or \
         set `start` to `earliest`, `latest` or `time:…`"
    )]
    NoOffset {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// The committed offset does not exist in the partition.
    #[error(
        "the group has committed offset {committed} of {topic}[{partition}], which holds offsets {first} up to {end}: records were \
         deleted, or the topic was made anew. Nothing was read. Reset the group's offset with your Kafka tools, or set \
         `out_of_range` to `earliest` or `latest`"
    )]
    OutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset that was committed.
        committed: i64,
        /// The first offset there is.
        first: i64,
        /// The offset of the next record to be written.
        end: i64,
    },
    /// The committed offset is below the records that the embedded Kafka of `healer::testing` keeps.
    #[error(
        "the group has committed offset {committed} of {topic}[{partition}], of which the embedded Kafka holds offsets {first} up to {end}: it \
         keeps 5 MiB a partition and has dropped older records. Nothing was read. Create the topic with more partitions, produce less, \
         or use a real Kafka: `healer::testing` tells how"
    )]
    Dropped {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset that was committed.
        committed: i64,
        /// The first offset there is.
        first: i64,
        /// The offset of the next record to be written.
        end: i64,
    },
}

impl StartError {
    /// Which partition it is about.
    pub(crate) fn place(&self) -> (&str, i32) {
        match self {
            Self::NoOffset { topic, partition }
            | Self::OutOfRange { topic, partition, .. }
            | Self::Dropped { topic, partition, .. } => (topic, *partition),
        }
    }
}
