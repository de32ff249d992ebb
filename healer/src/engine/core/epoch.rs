//! Logs that went back or lost their beginning: the partition's generation ends there with its ledger, and a new one begins.
//!
//! **Epochs.** A record below the expected offset says that the log went back (truncated, made anew, position reset): the
//! partition stops, commits nothing more, and is read anew from there or from its frontier, whichever is lower, as a new
//! generation whose start is committed at once, also downward. A start above the frontier is a *data loss event*: counted, logged
//! with its range, and gone on above. A commit that is refused as another generation's fences the partition; if no rebalance
//! follows in a minute, the pipeline ends and names it.

use super::{Action, Assigned, Core, Part};

/// A partition is to be read anew.
pub(super) struct Rewind {
    pub(super) offset: i64,
    asked: bool,
}

impl Part {
    /// A record at `offset` came where a higher one was due: the log is not the one that the ledger is about.
    pub(super) fn went_back(&mut self, offset: i64) {
        tracing::warn!(
            topic = &*self.home.partition.topic,
            partition = self.home.partition.partition,
            offset,
            expected = self.ledger.position(),
            "the offsets went back: the topic was truncated or made anew, or the position was reset; reading anew from there"
        );
        // Pending records below may be in the log still.
        self.rewind = Some(Rewind { offset: offset.min(self.ledger.frontier()), asked: false });
        self.close();
    }
}

impl Core {
    /// Asks once for a new generation of each partition whose log went back.
    pub(super) fn ask_rewinds(&mut self, actions: &mut Vec<Action>) {
        for (slot, part) in &mut self.parts {
            if let Some(rewind) = part.rewind.as_mut().filter(|rewind| !rewind.asked) {
                rewind.asked = true;
                let generation = part.home.generation;
                actions.push(Action::Rewind { slot: *slot, generation, offset: rewind.offset });
            }
        }
    }

    /// Replaces a partition's generation by one that starts elsewhere. Outcomes that still come from the old one change nothing.
    pub(super) fn restarted(&mut self, new: Assigned, actions: &mut Vec<Action>) {
        let Assigned { slot, home, mut start, fresh, state } = new;
        let leaving = self.revoking.iter().any(|revoke| revoke.partitions.contains(&home.partition));
        let old = self.parts.get(&slot).filter(|old| old.home.generation < home.generation);
        let Some(old) = old.filter(|_| self.is_running() && !leaving) else {
            // It is another member's by now, or about to be. Its ledger is about another log and is not committed.
            if self.parts.get(&slot).is_some_and(|old| old.home.generation < home.generation) {
                self.forget(slot);
            }
            home.fence();
            actions.push(Action::Abort(vec![slot]));
            return;
        };
        let known = old.data_losses;
        let (frontier, unread) = (old.ledger.frontier(), old.unread_below(start.offset));
        let lost = if start.sought { 0 } else { unread };
        let losses = self.count_loss(&home.partition, frontier, start.offset, lost);
        self.forget(slot);
        // A new epoch may commit less than the old one did, and must at once: the old offset means other records now.
        // An earlier owner's claim is about the old records, too, and so are the rows of every store.
        (start.committed, start.commit, start.lineage, start.claim) = (None, true, None, None);
        self.assigned(vec![Assigned { slot, home, start, fresh, state }]);
        if let Some(part) = self.parts.get_mut(&slot) {
            part.data_losses = known + losses;
        }
    }
}
