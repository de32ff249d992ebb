//! Running to the end: until the group's committed offsets reach the end offsets taken at the start.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Action, Core};
use crate::broker::TopicPartition;

/// How often the group's commits are looked up while others own partitions.
const ASK: Duration = Duration::from_millis(500);

/// The goal of a partition in a run to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The offset that it would start at.
    pub(crate) start: i64,
    /// The end offset when the run began.
    pub(crate) end: i64,
    /// Whether it counts as reached without a commit: it is empty, or would start at its end.
    pub(crate) reached: bool,
}

/// The way to the end.
pub(super) struct UntilEnd {
    goals: BTreeMap<TopicPartition, Goal>,
    next_ask: Duration,
}

impl UntilEnd {
    pub(super) fn new(goals: BTreeMap<TopicPartition, Goal>) -> Self {
        Self { goals, next_ask: Duration::ZERO }
    }

    fn reach(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some(goal) = self.goals.get_mut(partition) {
            goal.reached |= offset >= goal.end;
        }
    }

    /// The end offset of a partition that has not reached it.
    pub(super) fn end_of(&self, partition: &TopicPartition) -> Option<i64> {
        self.goals.get(partition).filter(|goal| !goal.reached).map(|goal| goal.end)
    }

    /// The partitions of others that have not reached their ends.
    fn foreign<'a>(&self, own: impl Iterator<Item = &'a TopicPartition>) -> Vec<TopicPartition> {
        let own: BTreeSet<_> = own.collect();
        let foreign = self.goals.iter().filter(|(partition, goal)| !goal.reached && !own.contains(partition));
        foreign.map(|(partition, _)| partition.clone()).collect()
    }
}

impl Core {
    pub(super) fn group_committed(&mut self, offsets: &BTreeMap<TopicPartition, i64>) {
        if let Some(until) = &mut self.until {
            for (partition, offset) in offsets {
                until.reach(partition, *offset);
            }
        }
    }

    pub(super) fn advance_until_end(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Some(until) = &mut self.until else { return };
        let mut complete = true;
        let mut uncommitted = false;
        for part in self.parts.values_mut() {
            let Some(end) = part.end else { continue };
            if part.committed.is_some_and(|committed| committed >= end) {
                until.reach(&part.home.partition, end);
                part.end = None;
                continue;
            }
            complete &= part.ledger.position() >= end;
            uncommitted |= part.ledger.frontier() >= end && part.due().is_some();
        }
        let done = until.goals.values().all(|goal| goal.reached);
        let mut foreign = Vec::new();
        if now >= until.next_ask {
            until.next_ask = now + ASK;
            foreign = until.foreign(self.parts.values().map(|part| &part.home.partition));
        }
        // All of ours was read: nothing waits for company any more.
        let flush = complete && !self.parts.is_empty();
        if flush != self.flushed {
            self.flushed = flush;
            actions.push(Action::Flush(flush));
        }
        if done {
            self.stop(now, actions);
        } else if !foreign.is_empty() {
            actions.push(Action::AskGroup(foreign));
        } else if flush && uncommitted && now >= self.commits.retry_at() {
            self.commit_now(now, actions);
        }
    }
}
