//! Answers to assignments: look up what is known of each partition, decide its start, open its lane.

use std::{sync::Arc, time::Duration};

use crate::{
    app::Error,
    broker::{BrokerError, Committed, Pattern, Remote, TopicPartition, Topics},
    config::{Config, Start as ConfigStart},
    engine::core::{Known, Start, StartPolicy, decide, decode_metadata},
    operators::Entry,
};
use healer_store::{Journal, Loaded};

/// A source's chain, with how to tell its topics.
pub(super) struct Route {
    /// The source's number.
    pub(super) node: u32,
    names: Vec<Arc<str>>,
    pattern: Option<Pattern>,
    pub(super) entry: Arc<dyn Entry>,
}

impl Route {
    pub(super) fn new(node: u32, topics: &Topics, entry: Arc<dyn Entry>) -> Result<Self, BrokerError> {
        let (names, pattern) = match topics {
            Topics::Named(names) => (names.clone(), None),
            Topics::Pattern(pattern) => (Vec::new(), Some(Pattern::new(pattern)?)),
        };
        Ok(Self { node, names, pattern, entry })
    }

    pub(super) fn takes(&self, topic: &str) -> bool {
        self.names.iter().any(|name| &**name == topic)
            || self.pattern.as_ref().is_some_and(|pattern| pattern.is(topic))
    }
}

/// Decides where partitions start. Asks the broker and so blocks.
pub(super) fn starts(
    remote: &dyn Remote,
    journal: &Journal,
    config: &Config,
    partitions: &[TopicPartition],
    wait: Duration,
) -> Result<Vec<Start>, Error> {
    let policy = match config.start() {
        ConfigStart::Earliest => StartPolicy::Earliest,
        ConfigStart::Latest => StartPolicy::Latest,
        ConfigStart::Time(_) => StartPolicy::Time,
        ConfigStart::Error => StartPolicy::Error,
    };
    let committed = remote.committed(partitions, wait)?;
    let at_time = match config.start().millis() {
        Some(millis) => remote.offsets_at(partitions, millis, wait)?.into_iter().map(Some).collect(),
        None => vec![None; partitions.len()],
    };
    let mut starts = Vec::with_capacity(partitions.len());
    for ((partition, committed), at_time) in partitions.iter().zip(committed).zip(at_time) {
        let known = Known {
            metadata: committed.as_ref().and_then(|Committed { offset, metadata }| {
                decode_metadata(metadata.as_deref().unwrap_or_default(), *offset)
            }),
            committed: committed.map(|committed| committed.offset),
            watermarks: remote.watermarks(partition, wait)?,
            at_time,
            snapshot: snapshot(journal, partition)?,
        };
        starts.push(decide(partition, known, policy, config.out_of_range())?);
    }
    Ok(starts)
}

fn snapshot(
    journal: &Journal,
    partition: &TopicPartition,
) -> Result<Option<healer_store::PartitionSnapshot>, Error> {
    match journal.load(&partition.topic, partition.partition)? {
        Loaded::Found(snapshot) => Ok(Some(snapshot)),
        Loaded::Damaged { reason } => {
            tracing::warn!(
                %partition,
                reason,
                "the store's snapshot is damaged: records from the committed offset on are processed again"
            );
            Ok(None)
        }
        _ => Ok(None),
    }
}
