//! New partitions, and those that are gone.

use std::time::Duration;

use healer_store::{Ledger, Run};

use super::{Action, Assigned, Core, Part};
use crate::{broker::TopicPartition, error::Error};

/// How long a partition that a fenced commit took away may be without a rebalance about it.
const ORPHANED: Duration = Duration::from_mins(1);

impl Core {
    pub(super) fn assigned(&mut self, partitions: Vec<Assigned>) {
        for Assigned { slot, home, mut start, fresh, state } in partitions {
            let ledger = match start.claim.take() {
                Some(claim) => Ledger::resume(home.generation, start.offset, claim),
                None => Ledger::new(home.generation, start.offset),
            };
            self.forget(slot);
            self.orphans.remove(&home.partition);
            self.revoke_no_more(std::slice::from_ref(&home.partition));
            let mut part = Part::new(home, state, ledger, &start, fresh);
            part.end = self.until.as_ref().and_then(|until| until.end_of(&part.home.partition));
            if let Some(from) = start.gone_from {
                let gone = Run::new(from, start.offset).len();
                part.data_losses = self.count_loss(&part.home.partition, from, start.offset, gone);
            }
            part.skip_older(start.older);
            part.paused = self.paused.covers(&part.home.partition);
            self.tally.assigned(slot, &part.home.partition);
            self.parts.insert(slot, part);
            if start.commit || start.is_stale {
                self.commits.hurry();
            }
        }
    }

    /// Fences partitions that another member has already: nothing is committed for them, and outcomes that still come in change
    /// nothing.
    pub(super) fn lost(&mut self, partitions: &[TopicPartition], actions: &mut Vec<Action>) {
        let slots = self.slots_of(partitions);
        for slot in &slots {
            self.forget(*slot);
        }
        self.orphans.retain(|partition, _| !partitions.contains(partition));
        self.revoke_no_more(partitions);
        actions.push(Action::Abort(slots));
        actions.push(Action::Release(partitions.to_vec()));
    }

    pub(super) fn slots_of(&self, partitions: &[TopicPartition]) -> Vec<u32> {
        let of = |(slot, part): (&u32, &Part)| partitions.contains(&part.home.partition).then_some(*slot);
        self.parts.iter().filter_map(of).collect()
    }

    pub(super) fn forget(&mut self, slot: u32) {
        if let Some(mut part) = self.parts.remove(&slot) {
            part.home.fence();
            self.change_in_flight(part.charge(), 0);
            self.tally.stale(slot, part.end_run().len() as u64);
        }
    }

    /// Counts records that vanished before they were done, `count` offsets of `from..to`; says how many events that were.
    pub(super) fn count_loss(&mut self, partition: &TopicPartition, from: i64, to: i64, count: u64) -> u64 {
        if count == 0 {
            return 0;
        }
        tracing::warn!(
            topic = &*partition.topic,
            partition = partition.partition,
            from,
            to,
            count,
            "offsets vanished before they were done: records were deleted, or the topic was made anew; going on above them"
        );
        self.tally.data_losses += 1;
        self.tally.lost_offsets += count;
        1
    }

    /// Fails where a commit was refused as another generation's and no rebalance came since: that must not be silent.
    pub(super) fn find_orphan(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let orphan = self.orphans.iter().find(|(_, since)| now >= **since + ORPHANED);
        if let Some((partition, _)) = orphan {
            let (topic, partition) = (partition.topic.to_string(), partition.partition);
            self.fail(Error::Fenced { topic, partition }, now, actions);
        }
    }
}
