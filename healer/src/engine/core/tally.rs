//! Counts since the start.

use std::collections::BTreeMap;

use crate::{broker::TopicPartition, envelope::Reason};

/// The counts since the start; a record counts as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) healed: u64,
    pub(crate) skipped: BTreeMap<Reason, u64>,
    pub(crate) dead_lettered: u64,
    /// Outcomes of fenced generations: they changed nothing.
    pub(crate) stale: u64,
    pub(crate) commits: u64,
    pub(crate) commit_failures: u64,
    /// How often records vanished from a log before they were done.
    pub(crate) data_losses: u64,
    /// How often a record held its partition for too long.
    pub(crate) stalls: u64,
    /// The offsets that vanished.
    pub(crate) lost_offsets: u64,
    /// How often the group gave partitions or took some.
    pub(crate) rebalances: u64,
    /// By slot, over all assignments.
    pub(crate) partitions: BTreeMap<u32, PartitionTally>,
}

/// The counts of one partition since the start.
#[derive(Clone, Debug)]
pub(crate) struct PartitionTally {
    pub(crate) partition: TopicPartition,
    pub(crate) assignments: u64,
    pub(crate) commits: u64,
    pub(crate) commit_failures: u64,
    pub(crate) stale: u64,
}

impl Tally {
    /// That of a partition, if it was ever assigned.
    pub(crate) fn of(&mut self, slot: u32) -> impl Iterator<Item = &mut PartitionTally> {
        self.partitions.get_mut(&slot).into_iter()
    }

    /// A partition was given to this member.
    pub(crate) fn assigned(&mut self, slot: u32, partition: &TopicPartition) {
        let new = || PartitionTally {
            partition: partition.clone(),
            assignments: 0,
            commits: 0,
            commit_failures: 0,
            stale: 0,
        };
        self.partitions.entry(slot).or_insert_with(new).assignments += 1;
    }

    /// Outcomes came home after their partition was taken away.
    pub(crate) fn stale(&mut self, slot: u32, outcomes: u64) {
        self.stale += outcomes;
        self.of(slot).for_each(|tally| tally.stale += outcomes);
    }
}
