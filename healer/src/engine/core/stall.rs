//! The record that holds a partition: no frontier stands still without a name.
//!
//! **Stalls.** The holder of a frontier (a record in a task, on the poll thread, or fetched and waiting) is in `partitions` and
//! in a gauge with offset, stage, key and duration; beyond `stall_after` (1 min by default) it is logged, once an offset, and
//! when it is past. A record that waits in front of a partition which its user lets rest holds nothing, and its time begins when
//! the partition goes on; one at work does.

use std::time::Duration;

use super::{Blocked, Core, Part, Settings, metadata};

impl Part {
    /// The offset that holds the frontier, wherever its record is: in a task, on the poll thread, or in front of the partition.
    fn blocker(&self) -> Option<i64> {
        // A record that waits since the user wants the partition to rest holds nothing up; the time counts anew when it goes on.
        let waiting = self.waiting.filter(|offset| *offset >= self.ledger.position() && !self.paused);
        let rewind = self.rewind.as_ref().map(|rewind| rewind.offset);
        self.ledger.first_pending().or_else(|| self.running_at()).or(rewind).or(waiting)
    }

    fn is_blocked_for(&self, time: Duration, now: Duration) -> bool {
        self.blocked.is_some_and(|(_, since)| now >= since.max(self.rested) + time)
    }

    /// Notes how long the same offset has been in the way, and whether the offsets done above it still have room in a commit.
    pub(super) fn look(&mut self, settings: &Settings, now: Duration) {
        // A topic that was gone may be back.
        self.gone_until = self.gone_until.filter(|until| now < *until);
        let blocker = self.blocker();
        if self.blocked.map(|(offset, _)| offset) != blocker {
            self.blocked = blocker.map(|offset| (offset, now));
        }
        let all = metadata::room(settings.metadata_max_bytes);
        let room = if self.throttled { all / 4 * 3 } else { all };
        // With nothing in flight the map is empty, so any next record may run.
        let full = self.ledger.pending() > 0 && self.ledger.map_bytes_at_most() > room;
        // Where no map ever has room there is none to wait for.
        self.throttled = full && all > 0;
    }
}

impl Core {
    /// Tells which record waits first in front of a partition, fetched and not yet taken; `None` where none does.
    pub(crate) fn waits(&mut self, (slot, generation): (u32, u32), first: Option<i64>) {
        let part = self.parts.get_mut(&slot).filter(|part| part.home.generation == generation);
        if let Some(part) = part {
            part.waiting = first;
        }
    }

    /// Looks which record holds each partition, and tells once of each offset that does so for too long, and when it is past.
    pub(super) fn look(&mut self, now: Duration) {
        let is_behind = |part: &Part| part.ledger.position() > part.committed.unwrap_or(part.start);
        if self.parts.values().any(is_behind) {
            self.behind.get_or_insert(now);
        } else {
            self.behind = None;
        }
        self.commits.find_late_save(self.settings.stall_after, now);
        for part in self.parts.values_mut() {
            part.look(&self.settings, now);
            let blocked = part.blocked.map(|(offset, _)| offset);
            if let Some(offset) = part.stalled.filter(|stalled| blocked != Some(*stalled)) {
                part.stalled = None;
                tracing::info!(
                    topic = &*part.home.partition.topic,
                    partition = part.home.partition.partition,
                    offset,
                    "the record that held the partition is past"
                );
            }
            let after = self.settings.stall_after;
            if part.stalled.is_none() && part.is_blocked_for(after, now) {
                // A turn that its stage's rate gives it later is its user's wish: from then on it counts.
                let rests = blocked.and_then(|offset| part.home.rests_until(offset));
                part.rested = part.rested.max(rests.unwrap_or_default());
            }
            let long = part.is_blocked_for(after, now);
            if long && part.stalled.is_none() {
                part.stalled = blocked;
                self.tally.stalls += 1;
                if let Some(Blocked { offset, stage, lasting, key, key_is_cut }) =
                    part.blocked(&self.path, now)
                {
                    let key = key.map(|key| String::from_utf8_lossy(&key).into_owned());
                    tracing::warn!(
                        emit_id = part.home.emit_id(offset).map(display),
                        topic = &*part.home.partition.topic,
                        partition = part.home.partition.partition,
                        offset,
                        stage = &*stage,
                        ?key,
                        key_is_cut,
                        seconds = lasting.as_secs(),
                        "a record holds its partition: nothing above it is committed until it is done"
                    );
                }
            }
        }
    }
}
