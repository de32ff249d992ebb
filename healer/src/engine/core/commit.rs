//! Commits of the frontiers: when they are due, one request at a time, upward, and known only when the broker has acknowledged.
//!
//! **Commit.** On an interval (10 s by default), by a thread of its own that calls `commit(Sync)`, one request in flight, newer
//! frontiers coalescing behind it. When its turn comes, entries of generations that are over are left out, and nothing is sent
//! for an assignment that was lost: without a generation a group without members would take it from anybody. A generation that is
//! behind (`ILLEGAL_GENERATION`) defers the commit: the client tells which partitions are gone, and those that are kept are
//! committed with the new one. A commit counts when the broker acknowledged it. A position moved by markers or gaps alone is
//! committed too; nothing delivered and the position unmoved: no commit.
//!
//! **Saves before commits.** A pipeline in which a node keeps something has one order: `Action::Save` with a number,
//! `Event::Saved` of that number, `Action::Commit`. The entries of the commit are worked out with the save and go unchanged after
//! it: records that end meanwhile are in no save yet. An entry is left out when its generation is over by then, or when its log
//! went back. All entries wait for the one save, since a save is one atomic write. It needs no third outcome in the ledger: a
//! record whose effect lives on in a row ends as any other does, and its offset is in no commit but that of a moment whose rows
//! are saved. A save that fails is given again with all that came since. One that fails for good ends the pipeline; the last
//! commit tries once more, and nothing is committed without it. `CommitHealth::saving` says how long a commit waits for the
//! store, and a wait of `stall_after` is logged. A pipeline that keeps nothing has no such round: its snapshots are written
//! beside the commit.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::Serialize;

use super::{Action, CommitEntry, Core, Part, Settings, metadata};
use crate::{
    broker::{CommitError, CommitErrorKind, TopicPartition},
    error::Error,
    journal::Scope,
};

/// How long after a failed commit the next is tried, unless the interval is shorter.
const RETRY: Duration = Duration::from_secs(1);

/// The same where it is the last chance: before a partition is given back, and at the end.
const LAST_RETRY: Duration = Duration::from_millis(250);

/// How long a partition whose topic is gone is left out of requests. The group takes it away meanwhile, unless brokers have
/// not heard of a new topic yet.
const GONE: Duration = Duration::from_secs(10);

/// How commits go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CommitHealth {
    /// How long ago the broker acknowledged one; `None` before the first.
    #[serde(serialize_with = "crate::json::seconds_if_any")]
    pub last: Option<Duration>,
    /// How many have failed since.
    pub failures: u64,
    /// Why the last of these failed.
    pub error: Option<String>,
    /// How many the broker has acknowledged since the start.
    pub total: u64,
    /// How long the next one has waited for the store, which must have all that nodes keep of its records first; `None` while it does not.
    #[serde(serialize_with = "crate::json::seconds_if_any")]
    pub saving: Option<Duration>,
}

/// A commit on its way.
struct Request {
    entries: Vec<CommitEntry>,
    /// The save that it waits for, before the broker is asked. The entries are those of that moment: records that end meanwhile are in no save
    /// yet.
    save: Option<u64>,
    since: Duration,
    /// It was told that the store takes long.
    is_late: bool,
}

/// The commit schedule.
pub(super) struct Commits {
    interval: Duration,
    next: Duration,
    under_way: Option<Request>,
    /// How many saves commits have waited for.
    saves: u64,
    /// Not before then, since the last one failed.
    retry_at: Duration,
    /// The broker said that no commit of this member will ever be taken.
    dead: bool,
    /// Slots of a request that failed since a topic is gone: asked for one by one, until it is known whose.
    suspects: BTreeSet<u32>,
    /// `last` is when, not how long ago.
    health: CommitHealth,
}

impl Commits {
    pub(super) fn new(interval: Duration, now: Duration) -> Self {
        Self {
            interval,
            next: now + interval,
            under_way: None,
            saves: 0,
            retry_at: Duration::ZERO,
            dead: false,
            suspects: BTreeSet::new(),
            health: CommitHealth::default(),
        }
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
        let entries = self.under_way.iter().flat_map(|request| &request.entries);
        entries.into_iter().any(|entry| slots.contains(&(entry.slot, entry.generation)))
    }

    /// How long the request under way has waited for its save.
    fn saving(&self, now: Duration) -> Option<Duration> {
        let request = self.under_way.as_ref().filter(|request| request.save.is_some())?;
        Some(now.saturating_sub(request.since))
    }

    /// Tells once of a save that takes long.
    pub(super) fn find_late_save(&mut self, after: Duration, now: Duration) {
        let lasting = self.saving(now).filter(|lasting| *lasting >= after);
        if let Some((lasting, request)) = lasting.zip(self.under_way.as_mut()).filter(|(_, it)| !it.is_late) {
            request.is_late = true;
            tracing::warn!(
                seconds = lasting.as_secs(),
                "the store takes long: nothing is committed until it has all that nodes keep"
            );
        }
    }

    /// A number for the save that a commit waits for.
    fn next_save(&mut self) -> u64 {
        self.saves += 1;
        self.saves
    }

    /// The last one failed.
    fn try_again(&mut self, now: Duration) {
        self.next = now + RETRY.min(self.interval);
        self.retry_at = now + RETRY;
    }
}

impl Core {
    /// How commits go.
    pub(crate) fn commits(&self, now: Duration) -> CommitHealth {
        let health = &self.commits.health;
        let last = health.last.map(|last| now.saturating_sub(last));
        CommitHealth { last, total: self.tally.commits, saving: self.commits.saving(now), ..health.clone() }
    }

    pub(super) fn commit_if_due(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if now >= self.commits.next && !self.commits.is_under_way() {
            self.commits.next = now + self.commits.interval;
            self.commit_now(now, actions);
        }
    }

    /// Commits the entries that are not committed yet, behind a save where nodes keep something; says whether there were any.
    pub(super) fn commit_now(&mut self, now: Duration, actions: &mut Vec<Action>) -> bool {
        if self.commits.is_under_way() {
            return true;
        }
        let changed = self.parts.iter_mut().filter_map(|(slot, part)| {
            let at = (part.ledger.frontier(), part.ledger.position());
            (part.saved.replace(at) != Some(at)).then_some(*slot)
        });
        let slots = changed.collect();
        let Settings { scope, metadata_max_bytes: limit, .. } = &self.settings;
        let mut entries: Vec<_> = self.parts.values().filter_map(|part| part.entry(scope, *limit)).collect();
        self.commits.suspects.retain(|slot| entries.iter().any(|entry| entry.slot == *slot));
        if let Some(suspect) = self.commits.suspects.first() {
            entries.retain(|entry| entry.slot == *suspect);
        }
        let some = !entries.is_empty();
        let save = (some && self.settings.saves_first).then(|| self.commits.next_save());
        // Also without partitions: checkpoints may have changed.
        actions.push(Action::Save { number: save, slots });
        if some {
            if save.is_none() {
                actions.push(Action::Commit(entries.clone()));
            }
            self.commits.under_way = Some(Request { entries, save, since: now, is_late: false });
        }
        some
    }

    /// The store has all that the records of a commit left there, so the commit may go.
    pub(super) fn saved(&mut self, number: u64, actions: &mut Vec<Action>) {
        let Some(mut request) = self.commits.under_way.take_if(|request| request.save == Some(number)) else {
            return;
        };
        // Meanwhile a partition may have gone, or its offsets mean other records.
        request.entries.retain(|entry| self.current(entry).is_some_and(Part::may_commit));
        if !request.entries.is_empty() {
            request.save = None;
            actions.push(Action::Commit(request.entries.clone()));
            self.commits.under_way = Some(request);
        }
    }

    /// Nothing is committed of a save that failed. The saver keeps its rows, so the last commit of the pipeline saves them once more.
    pub(super) fn not_saved(&mut self, error: Error, now: Duration, actions: &mut Vec<Action>) {
        if self.commits.under_way.take_if(|request| request.save.is_some()).is_some() {
            self.commits.try_again(now);
        }
        self.fail(error, now, actions);
    }

    pub(super) fn committed(
        &mut self,
        result: Result<(), CommitError>,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let entries = self.commits.under_way.take().map(|request| request.entries).unwrap_or_default();
        match result {
            Ok(()) => {
                self.tally.commits += 1;
                self.behind = None;
                self.commits.health = CommitHealth { last: Some(now), ..CommitHealth::default() };
                for entry in entries {
                    self.tally.of(entry.slot).for_each(|tally| tally.commits += 1);
                    self.commits.suspects.remove(&entry.slot);
                    self.acknowledge(&entry);
                }
                if !self.commits.suspects.is_empty() {
                    self.commits.next = now;
                }
            }
            Err(error) => {
                self.tally.commit_failures += 1;
                for entry in &entries {
                    self.tally.of(entry.slot).for_each(|tally| tally.commit_failures += 1);
                }
                self.commits.health.failures += 1;
                self.commits.health.error = Some(error.text.clone());
                // Offsets that were not acknowledged are still due: the next request asks for the same or more, never for less.
                self.commits.try_again(now);
                tracing::warn!(%error, "a commit was not acknowledged");
                match error.kind {
                    CommitErrorKind::Retriable | CommitErrorKind::Rebalancing => {}
                    CommitErrorKind::Fenced => {
                        // An answer that comes late says nothing about a partition that came back meanwhile.
                        let slots = entries
                            .iter()
                            .filter(|entry| self.current(entry).is_some())
                            .map(|entry| entry.slot);
                        let slots: Vec<_> = slots.collect();
                        for slot in &slots {
                            let partition = self.parts.get(slot).map(|part| part.home.partition.clone());
                            self.orphans.extend(partition.map(|partition| (partition, now)));
                            self.forget(*slot);
                        }
                        actions.push(Action::Abort(slots));
                    }
                    CommitErrorKind::UnknownTopic => self.find_gone(&entries, now),
                    CommitErrorKind::Fatal => {
                        self.commits.dead = true;
                        self.fail(Error::Commit(error.text), now, actions);
                    }
                }
            }
        }
    }

    /// A topic is gone. The answer does not say which, and the commits of the others must go on.
    fn find_gone(&mut self, entries: &[CommitEntry], now: Duration) {
        self.commits.next = now;
        let [one] = entries else {
            self.commits.suspects.extend(entries.iter().map(|entry| entry.slot));
            return;
        };
        self.commits.suspects.remove(&one.slot);
        let Some(topic) = self.current(one).map(|part| Arc::clone(&part.home.partition.topic)) else {
            return;
        };
        let of_topic = |part: &Part| part.home.partition.topic == topic;
        for slot in std::mem::take(&mut self.commits.suspects).into_iter().chain([one.slot]) {
            match self.parts.get_mut(&slot) {
                Some(part) if of_topic(part) => part.gone_until = Some(now + GONE),
                _ => drop(self.commits.suspects.insert(slot)),
            }
        }
    }

    fn current(&self, entry: &CommitEntry) -> Option<&Part> {
        self.parts.get(&entry.slot).filter(|part| part.home.generation == entry.generation)
    }

    fn acknowledge(&mut self, entry: &CommitEntry) {
        let part = self.parts.get_mut(&entry.slot).filter(|part| part.home.generation == entry.generation);
        let Some(part) = part else { return };
        part.committed = Some(entry.offset);
        part.committed_above = entry.done_above;
        part.is_known = !entry.metadata.is_empty();
        part.commit_start = false;
        self.acknowledged.insert(part.home.partition.clone(), entry.offset);
        self.news.push((part.home.partition.clone(), entry.offset));
    }
}

impl Part {
    /// Not when the offsets mean other records by now, nor while the topic is gone.
    fn may_commit(&self) -> bool {
        self.rewind.is_none() && self.gone_until.is_none()
    }

    /// The offset that is to be committed; `None` when it is already.
    pub(super) fn due(&self) -> Option<i64> {
        let frontier = self.ledger.frontier();
        let due = self.commit_start || frontier > self.committed.unwrap_or(self.start);
        (due && self.may_commit()).then_some(frontier)
    }

    /// The entry to commit, where the frontier moved or more is done above it; its text has at most `limit` bytes.
    fn entry(&self, scope: &Scope, limit: usize) -> Option<CommitEntry> {
        let done_above = self.done_above();
        let due = self.due().is_some();
        if !due && (limit == 0 || !self.may_commit() || done_above == self.committed_above) {
            return None;
        }
        let (slot, generation, offset) = (self.home.slot, self.home.generation, self.ledger.frontier());
        let frontier = self.ledger.first_pending().and_then(|offset| self.home.place(offset));
        let claim = metadata::claim(&self.ledger, frontier.map(|place| place.fingerprint));
        let TopicPartition { topic, partition } = &self.home.partition;
        let text =
            |claim| metadata::encode(self.lineage, offset, claim, limit, scope.mark(topic, *partition));
        let full = claim.as_ref().and_then(|claim| text(Some(claim)));
        // Without the map the lineage is told once: the group's own text is true as well, and may say more.
        let metadata = full.or_else(|| if due || !self.is_known { text(None) } else { None });
        if !due && metadata.is_none() {
            return None;
        }
        Some(CommitEntry { slot, generation, offset, metadata: metadata.unwrap_or_default(), done_above })
    }
}
