//! Giving partitions back: records in flight may finish within the budget, then come commit, fence and release, in this order.
//!
//! **Revoke.** Close the lanes, drain within the budget (5 s by default), save where a node keeps something, commit, fence,
//! release. Lost: fence, commit nothing, save nothing.

use std::time::Duration;

use super::{Action, Core};
use crate::broker::TopicPartition;

/// Partitions on their way out.
pub(super) struct Revoking {
    pub(super) partitions: Vec<TopicPartition>,
    /// Slot and generation: a partition that is lost and assigned again meanwhile is not the one that drains.
    slots: Vec<(u32, u32)>,
    deadline: Duration,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Draining,
    /// A request that began before the drain may cover less than the frontier; after it comes another.
    Committing,
}

impl Core {
    pub(super) fn revoked(
        &mut self,
        partitions: Vec<TopicPartition>,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let slots = self.slots_of(&partitions);
        self.orphans.retain(|partition, _| !partitions.contains(partition));
        let close = |slot: &u32| {
            let part = self.parts.get_mut(slot)?;
            part.close();
            Some((*slot, part.home.generation))
        };
        let draining = slots.iter().filter_map(close).collect();
        actions.push(Action::Close(slots));
        let deadline = now + self.settings.drain_budget;
        self.revoking.push(Revoking { partitions, slots: draining, deadline, state: State::Draining });
    }

    /// A partition that is lost while it drains is released at once, and one that is assigned again is ours: a later end of the
    /// drain would take it away from the next generation.
    pub(super) fn revoke_no_more(&mut self, gone: &[TopicPartition]) {
        for revoke in &mut self.revoking {
            revoke.partitions.retain(|partition| !gone.contains(partition));
        }
        self.revoking.retain(|revoke| !revoke.partitions.is_empty());
    }

    pub(super) fn advance_revokes(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let mut revoking = std::mem::take(&mut self.revoking);
        revoking.retain_mut(|revoke| !self.advance_revoke(revoke, now, actions));
        self.revoking.append(&mut revoking);
    }

    /// Says whether it is over.
    fn advance_revoke(&mut self, revoke: &mut Revoking, now: Duration, actions: &mut Vec<Action>) -> bool {
        let late = now >= revoke.deadline;
        let busy = self.of_revoke(revoke).any(super::Part::is_busy);
        if revoke.state == State::Draining && (!busy || late) && !self.commits.is_under_way() {
            self.commit_now(now, actions);
            revoke.state = State::Committing;
            // The commit has the rest of the budget, and a second at least.
            revoke.deadline = revoke.deadline.max(now + Duration::from_secs(1));
            return false;
        }
        let due = self.of_revoke(revoke).any(|part| part.due().is_some());
        let waiting = revoke.state == State::Draining || self.commits.covers(&revoke.slots);
        if waiting && !late {
            return false;
        }
        if due && !late && self.commits.can_succeed() {
            // It failed, and there is time for another.
            if self.commits.may_retry_last(now) {
                self.commit_now(now, actions);
            }
            return false;
        }
        let slots: Vec<_> = self.of_revoke(revoke).map(|part| part.home.slot).collect();
        for slot in &slots {
            self.forget(*slot);
        }
        actions.push(Action::Abort(slots));
        actions.push(Action::Release(std::mem::take(&mut revoke.partitions)));
        true
    }

    /// The parts that still are those that drain.
    fn of_revoke<'a>(&'a self, revoke: &'a Revoking) -> impl Iterator<Item = &'a super::Part> {
        let part = |(slot, generation): &(u32, u32)| {
            self.parts.get(slot).filter(|part| part.home.generation == *generation)
        };
        revoke.slots.iter().filter_map(part)
    }
}
