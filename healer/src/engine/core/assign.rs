//! New partitions, and those that are gone.

use healer_store::Ledger;

use super::{Action, Assigned, Core, Part};
use crate::broker::TopicPartition;

impl Core {
    pub(super) fn assigned(&mut self, partitions: Vec<Assigned>) {
        for Assigned { slot, home, start } in partitions {
            let ledger = match start.claim {
                Some(claim) => Ledger::resume(home.generation, start.offset, claim),
                None => Ledger::new(home.generation, start.offset),
            };
            self.parts.insert(slot, Part::new(home, ledger, start.offset, start.committed, start.commit));
            if start.commit {
                self.commits.hurry();
            }
        }
    }

    /// Fences partitions that are somebody else's already: nothing is committed for them, and what still comes in changes
    /// nothing.
    pub(super) fn lost(&mut self, partitions: &[TopicPartition], actions: &mut Vec<Action>) {
        let slots = self.slots_of(partitions);
        for slot in &slots {
            self.forget(*slot);
        }
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
            self.tally.stale += part.end_loan().len() as u64;
        }
    }
}
