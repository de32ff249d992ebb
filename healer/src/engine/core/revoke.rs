//! Giving partitions back: what is in flight may finish within the budget, then commit, then fence, then release.

use std::time::Duration;

use super::{Action, Core};
use crate::broker::TopicPartition;

/// Partitions on their way out.
pub(super) struct Revoking {
    partitions: Vec<TopicPartition>,
    slots: Vec<u32>,
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
        for slot in &slots {
            if let Some(part) = self.parts.get_mut(slot) {
                part.close();
            }
        }
        actions.push(Action::Close(slots.clone()));
        let deadline = now + self.settings.drain_budget;
        self.revoking.push(Revoking { partitions, slots, deadline, state: State::Draining });
    }

    /// What is lost while it drains is released at once: a later end of the drain would take it away from the next generation.
    pub(super) fn revoke_no_more(&mut self, lost: &[TopicPartition]) {
        for revoke in &mut self.revoking {
            revoke.partitions.retain(|partition| !lost.contains(partition));
            revoke.slots.retain(|slot| self.parts.contains_key(slot));
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
        let busy = revoke.slots.iter().filter_map(|slot| self.parts.get(slot)).any(super::Part::is_busy);
        if revoke.state == State::Draining && (!busy || late) && !self.commits.is_under_way() {
            self.commit_now(actions);
            revoke.state = State::Committing;
            // The commit has the rest of the budget, and a second at least.
            revoke.deadline = revoke.deadline.max(now + Duration::from_secs(1));
            return false;
        }
        let due =
            revoke.slots.iter().filter_map(|slot| self.parts.get(slot)).any(|part| part.due().is_some());
        let waiting = revoke.state == State::Draining || self.commits.covers(&revoke.slots);
        if waiting && !late {
            return false;
        }
        if due && !late && self.commits.can_succeed() {
            // It failed, and there is time for another.
            if self.commits.may_retry_last(now) {
                self.commit_now(actions);
            }
            return false;
        }
        revoke.slots.iter().for_each(|slot| self.forget(*slot));
        actions.push(Action::Abort(std::mem::take(&mut revoke.slots)));
        actions.push(Action::Release(std::mem::take(&mut revoke.partitions)));
        true
    }
}
