//! Whose rows these are.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use super::key::Key;

/// Whose progress this is. What is kept for one scope is no evidence for another, also in the same store.
///
/// ```
/// use healer::store::Scope;
///
/// let scope = Scope::new("hFuB1Oq0SLmIfYFuA2hOmA", "billing-group", "billing");
/// assert_eq!(scope.to_string(), "pipeline billing of group billing-group in cluster hFuB1Oq0SLmIfYFuA2hOmA");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Scope {
    /// The id that the brokers of the cluster tell.
    pub cluster: String,
    /// The consumer group.
    pub group: String,
    /// The pipeline's name.
    pub pipeline: String,
}

impl Scope {
    /// The scope of a pipeline that runs in this group of this cluster.
    pub fn new(cluster: impl Into<String>, group: impl Into<String>, pipeline: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), group: group.into(), pipeline: pipeline.into() }
    }

    /// A number that commits of one partition in this scope are marked with; it never changes.
    pub(crate) fn mark(&self, topic: &str, partition: i32) -> u64 {
        let key = Key::of(self).and_then(|key| key.partition(topic, partition));
        // A name that is too long for a key is refused when the journal is opened, and by every broker.
        xxh3_64(&key.map(Key::into_bytes).unwrap_or_default())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, group, pipeline } = self;
        write!(f, "pipeline {pipeline} of group {group} in cluster {cluster}")
    }
}
