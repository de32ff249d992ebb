//! Whose rows these are.

use std::fmt;

/// The owner of the progress that a store keeps. Rows of one scope are no evidence for another, also in the same store.
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
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, group, pipeline } = self;
        write!(f, "pipeline {pipeline} of group {group} in cluster {cluster}")
    }
}
