//! When and what to commit: the frontiers, one request at a time, upward, and known only when the broker has acknowledged.

use std::time::Duration;

use super::{Action, CommitEntry, Core};
use crate::{
    app::Error,
    broker::{CommitError, CommitErrorKind},
};

/// How long after a failed commit the next is tried, unless the interval is shorter.
const RETRY: Duration = Duration::from_secs(1);

/// The same where it is the last chance: before a partition is given back, and at the end.
const LAST_RETRY: Duration = Duration::from_millis(250);

/// The commit schedule.
pub(super) struct Commits {
    interval: Duration,
    next: Duration,
    /// What the request under way asks for.
    under_way: Option<Vec<CommitEntry>>,
    /// Not before then, since the last one failed.
    retry_at: Duration,
    /// The broker said that no commit of this member will ever be taken.
    dead: bool,
}

impl Commits {
    pub(super) fn new(interval: Duration, now: Duration) -> Self {
        Self { interval, next: now + interval, under_way: None, retry_at: Duration::ZERO, dead: false }
    }

    /// The next commit is due now.
    pub(super) fn hurry(&mut self) {
        self.next = Duration::ZERO;
    }

    pub(super) fn retry_at(&self) -> Duration {
        self.retry_at
    }

    /// Whether a partition's last commit may be tried again.
    pub(super) fn may_retry_last(&self, now: Duration) -> bool {
        now + RETRY >= self.retry_at + LAST_RETRY
    }

    pub(super) fn can_succeed(&self) -> bool {
        !self.dead
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether one of these, slot and generation, waits for an acknowledgement.
    pub(super) fn covers(&self, slots: &[(u32, u32)]) -> bool {
        self.under_way.iter().flatten().any(|entry| slots.contains(&(entry.slot, entry.generation)))
    }
}

impl Core {
    pub(super) fn commit_if_due(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if now >= self.commits.next && !self.commits.is_under_way() {
            self.commits.next = now + self.commits.interval;
            self.commit_now(actions);
        }
    }

    /// Sends what is not committed yet; says whether there was anything.
    pub(super) fn commit_now(&mut self, actions: &mut Vec<Action>) -> bool {
        if self.commits.is_under_way() {
            return true;
        }
        let changed = self.parts.iter_mut().filter_map(|(slot, part)| {
            let now = (part.ledger.frontier(), part.ledger.position());
            (part.saved.replace(now) != Some(now)).then_some(*slot)
        });
        // Also without partitions: checkpoints may have changed.
        actions.push(Action::Save(changed.collect()));
        let entries: Vec<_> = self
            .parts
            .iter()
            .filter_map(|(slot, part)| {
                let offset = part.due()?;
                Some(CommitEntry { slot: *slot, generation: part.home.generation, offset })
            })
            .collect();
        let some = !entries.is_empty();
        if some {
            self.commits.under_way = Some(entries.clone());
            actions.push(Action::Commit(entries));
        }
        some
    }

    pub(super) fn committed(
        &mut self,
        result: Result<(), CommitError>,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let entries = self.commits.under_way.take().unwrap_or_default();
        match result {
            Ok(()) => {
                self.tally.commits += 1;
                for entry in entries {
                    self.acknowledge(entry);
                }
            }
            Err(error) => {
                self.tally.commit_failures += 1;
                // What was not acknowledged is still due: the next request asks for it or for more, never for less.
                self.commits.next = now + RETRY.min(self.commits.interval);
                self.commits.retry_at = now + RETRY;
                tracing::warn!(%error, "a commit was not acknowledged");
                match error.kind {
                    CommitErrorKind::Retriable | CommitErrorKind::Rebalancing => {}
                    CommitErrorKind::Fenced => {
                        // An answer that comes late says nothing about a partition that came back meanwhile.
                        let slots =
                            entries.iter().filter(|entry| self.is_current(entry)).map(|entry| entry.slot);
                        let slots: Vec<_> = slots.collect();
                        for slot in &slots {
                            let partition = self.parts.get(slot).map(|part| part.home.partition.clone());
                            self.orphans.extend(partition.map(|partition| (partition, now)));
                            self.forget(*slot);
                        }
                        actions.push(Action::Abort(slots));
                    }
                    CommitErrorKind::Fatal => {
                        self.commits.dead = true;
                        self.fail(Error::Commit(error.text), now, actions);
                    }
                }
            }
        }
    }

    fn is_current(&self, entry: &CommitEntry) -> bool {
        self.parts.get(&entry.slot).is_some_and(|part| part.home.generation == entry.generation)
    }

    fn acknowledge(&mut self, entry: CommitEntry) {
        let part = self.parts.get_mut(&entry.slot).filter(|part| part.home.generation == entry.generation);
        let Some(part) = part else { return };
        part.committed = Some(entry.offset);
        part.commit_start = false;
        self.acknowledged.insert(part.home.partition.clone(), entry.offset);
        self.news.push((part.home.partition.clone(), entry.offset));
    }
}
