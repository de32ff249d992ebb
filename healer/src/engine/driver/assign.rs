//! Answers to assignments: look up the facts about each partition, and decide its start.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use super::{begun::Begun, dropped};
use crate::{
    broker::{BrokerError, Committed, Pattern, Remote, TopicPartition, Topics},
    config::{Config, Start as ConfigStart},
    engine::core::{Goal, Known, Said, Start, StartPolicy, decide, decode_metadata},
    error::Error,
    journal::{Journal, KeptState, Loaded, PartitionSnapshot, Scope, StateMark},
    lane::Entry,
};

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

/// The broker, the store and the settings that decide where partitions start.
pub(super) struct Lookup<'a> {
    pub(super) remote: &'a dyn Remote,
    /// Weak: a question without an answer must not keep the store open when the pipeline has ended.
    pub(super) journal: &'a Weak<Journal>,
    pub(super) config: &'a Config,
    pub(super) begun: &'a Begun,
    /// Whether nodes are opened with rows that they kept.
    pub(super) keeps: bool,
}

/// Decides where partitions start. Asks the broker and so blocks.
pub(super) fn starts(by: &Lookup<'_>, partitions: &[TopicPartition]) -> Result<Vec<Start>, Error> {
    let Lookup { remote, journal, config, begun, keeps } = *by;
    let wait = config.connect_timeout();
    let policy = match config.start() {
        ConfigStart::Earliest => StartPolicy::Earliest,
        ConfigStart::Latest => StartPolicy::Latest,
        ConfigStart::Time(_) => StartPolicy::Time,
        ConfigStart::Error => StartPolicy::Error,
    };
    let committed = remote.committed(partitions, wait)?;
    let millis = config.start().millis();
    let wanted: Vec<_> = match millis {
        Some(millis) => remote.offsets_at(partitions, millis, wait)?.into_iter().map(Some).collect(),
        None => partitions.iter().map(|partition| begun.get(partition).copied()).collect(),
    };
    // After the commits: a member that committed had read up to there.
    let marks = remote.watermarks(partitions, wait)?;
    let mut starts = Vec::with_capacity(partitions.len());
    let known = partitions.iter().zip(committed).zip(wanted).zip(marks);
    for (((partition, committed), wanted), watermarks) in known {
        let (snapshot, metadata) = match journal.upgrade() {
            Some(journal) => {
                let said =
                    committed.as_ref().and_then(|committed| said(committed, journal.scope(), partition));
                (snapshot(&journal, partition)?, said)
            }
            None => (None, None),
        };
        let committed = committed.map(|committed| committed.offset);
        let known = Known { committed, watermarks, wanted, millis, snapshot, metadata };
        let needed = committed.or_else(|| (policy == StartPolicy::Earliest).then_some(0));
        let mut start = decide(partition, known, policy, config.out_of_range())
            .map_err(|error| dropped::explain(remote, wait, error))?;
        if needed.is_some_and(|needed| needed < watermarks.first) {
            dropped::warn(remote, wait, partition, watermarks.first);
        }
        if let Some(journal) = journal.upgrade().filter(|_| keeps) {
            start.kept = kept(&journal, partition, &start)?;
            // A record that another process did above its commit is in no row here. Rows absorb none twice.
            start.claim = None;
        }
        starts.push(start);
    }
    Ok(starts)
}

/// The end offsets of all partitions, and which of them are reached already.
pub(super) fn goals(
    by: &Lookup<'_>,
    partitions: &[TopicPartition],
) -> Result<BTreeMap<TopicPartition, Goal>, Error> {
    let starts = starts(by, partitions)?;
    let marks = by.remote.watermarks(partitions, by.config.connect_timeout())?;
    let mut goals = BTreeMap::new();
    for ((partition, start), marks) in partitions.iter().zip(starts).zip(marks) {
        // A chosen start is committed first, or the next run would choose again and miss the records in between.
        let reached = !start.commit && (marks.first >= marks.end || start.offset >= marks.end);
        goals.insert(partition.clone(), Goal { start: start.offset, end: marks.end, reached });
    }
    Ok(goals)
}

/// Decodes the text beside a commit.
fn said(committed: &Committed, scope: &Scope, partition: &TopicPartition) -> Option<Said> {
    let text = committed.metadata.as_deref().unwrap_or_default();
    decode_metadata(text, committed.offset, scope.mark(&partition.topic, partition.partition))
}

/// The rows that nodes kept for a partition, where they are of the group's commit. They may be of a later moment, as after a crash between
/// save and commit, but not of an earlier one: another member had the partition since.
fn kept(journal: &Journal, partition: &TopicPartition, start: &Start) -> Result<Option<KeptState>, Error> {
    let TopicPartition { topic, partition } = partition;
    let Some(kept) = journal.kept_state(topic, *partition)? else { return Ok(None) };
    let StateMark { lineage, frontier, .. } = kept.mark;
    let goes_on = start.committed == Some(start.offset);
    if goes_on && start.lineage == Some(lineage) && start.offset <= frontier {
        return Ok(Some(kept));
    }
    tracing::warn!(
        topic = &**topic,
        partition,
        offset = start.offset,
        kept = frontier,
        "the rows that nodes kept are not of the group's commit: the nodes begin with nothing at this offset"
    );
    Ok(None)
}

fn snapshot(journal: &Journal, partition: &TopicPartition) -> Result<Option<PartitionSnapshot>, Error> {
    match journal.load(&partition.topic, partition.partition)? {
        Loaded::Found(snapshot) => Ok(Some(snapshot)),
        Loaded::Damaged { reason } => {
            tracing::warn!(
                topic = &*partition.topic,
                partition = partition.partition,
                reason,
                "the store's snapshot is not believed: records from the committed offset on are processed again, unless the commit says \
                 that they are done"
            );
            Ok(None)
        }
        _ => Ok(None),
    }
}
