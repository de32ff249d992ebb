//! The embedded Kafka of `healer::testing` drops its oldest records in silence: where some are missing, that is said.

use std::time::Duration;

use crate::{
    broker::{Remote, TopicPartition},
    error::StartError,
};

/// How the ids of librdkafka's mock clusters begin.
const MOCK: &str = "mockCluster";

/// The cause, and the way out.
const WORDS: &str = "the embedded Kafka keeps 5 MiB a partition and has dropped the records that are missing: create the topic with more \
                     partitions, produce less, or use a real Kafka";

/// Whether it is that broker.
fn is_embedded(remote: &dyn Remote, wait: Duration) -> bool {
    remote.cluster_id(wait).is_some_and(|id| id.starts_with(MOCK))
}

/// Warns where a start passes over records of the embedded Kafka.
pub(super) fn warn(remote: &dyn Remote, wait: Duration, partition: &TopicPartition, first: i64) {
    if is_embedded(remote, wait) {
        let TopicPartition { topic, partition } = partition;
        tracing::warn!(topic = &**topic, partition, first, "{WORDS}");
    }
}

/// The error about an offset that does not exist, or the one that says why on the embedded Kafka.
pub(super) fn explain(remote: &dyn Remote, wait: Duration, error: StartError) -> StartError {
    match error {
        StartError::OutOfRange { topic, partition, committed, first, end }
            if committed < first && is_embedded(remote, wait) =>
        {
            StartError::Dropped { topic, partition, committed, first, end }
        }
        other => other,
    }
}
