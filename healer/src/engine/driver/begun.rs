//! The ends of logs when this process began, for `start = latest`: a partition that came to be later is read from its first record.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    broker::{Pattern, Remote, TopicPartition, Topics},
    error::Error,
};

/// Where `latest` is, for partitions of topics that are new to the group. A partition that is not among them was added to a topic that the
/// group reads already, or its topic came while it reads.
pub(super) type Begun = BTreeMap<TopicPartition, i64>;

/// Topics that are new together: one by one where they are named, and all that match a pattern.
type Family = (usize, Option<Arc<str>>);

/// Looks up which of these partitions are new to the group, and where `latest` is in them. Blocks.
pub(super) fn look(
    remote: &dyn Remote,
    topics: &[Topics],
    partitions: &[TopicPartition],
    wait: Duration,
) -> Result<Begun, Error> {
    let families = families(topics, partitions)?;
    let committed = remote.committed(partitions, wait)?;
    let known = families.iter().zip(&committed).filter(|(_, committed)| committed.is_some());
    let known: BTreeSet<&Family> = known.filter_map(|(family, _)| family.as_ref()).collect();
    let marks = remote.watermarks(partitions, wait)?;
    let all = partitions.iter().zip(&families).zip(marks);
    let new = all.filter(|((_, family), _)| family.as_ref().is_none_or(|family| !known.contains(family)));
    Ok(new.map(|((partition, _), marks)| (partition.clone(), marks.stable)).collect())
}

fn families(topics: &[Topics], partitions: &[TopicPartition]) -> Result<Vec<Option<Family>>, Error> {
    let mut patterns = Vec::new();
    for (at, topics) in topics.iter().enumerate() {
        if let Topics::Pattern(pattern) = topics {
            patterns.push((at, Pattern::new(pattern)?));
        }
    }
    let is_named = |topics: &Topics, topic: &Arc<str>| match topics {
        Topics::Named(names) => names.contains(topic),
        Topics::Pattern(_) => false,
    };
    let family = |TopicPartition { topic, .. }: &TopicPartition| {
        let named = topics.iter().position(|topics| is_named(topics, topic));
        let named = named.map(|at| (at, Some(Arc::clone(topic))));
        named.or_else(|| patterns.iter().find(|(_, pattern)| pattern.is(topic)).map(|(at, _)| (*at, None)))
    };
    Ok(partitions.iter().map(family).collect())
}
