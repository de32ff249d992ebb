//! The group and its commits in one random history, and the oracle that knows every record ever done.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::rig::{METADATA, Rig, partition, said},
    done::Done,
    log::{Log, Random, Record},
};
use crate::{
    broker::{CommitErrorKind, TopicPartition},
    engine::core::{Action, CommitEntry, Event},
    envelope::Receipt,
    journal::PartitionSnapshot,
    lane::Run,
};

/// The oracle's state of a generation.
pub(super) struct Generation {
    pub(super) number: u32,
    /// The next offset to read.
    pub(super) next: i64,
    pub(super) pending: BTreeSet<i64>,
    /// The highest offset that a request of this generation asked for.
    pub(super) asked: Option<i64>,
    pub(super) open: bool,
}

/// A record that left for a task.
pub(super) struct Task {
    pub(super) generation: u32,
    pub(super) record: Record,
    pub(super) receipt: Receipt,
}

/// Counts of the cases that a history came across, so that a test can tell that it did.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) epochs: u32,
    pub(super) skipped: u32,
    pub(super) back_late: u32,
    pub(super) maps: u32,
    pub(super) seeks: u32,
    pub(super) resets: u32,
    /// Starts at which the store alone told which offsets were done above.
    pub(super) rows: u32,
    /// Starts with a row that must not be believed.
    pub(super) stale: u32,
}

/// By slot and generation.
type Moment = BTreeMap<(u32, u32), (i64, u64)>;

pub(super) struct World {
    pub(super) log: Log,
    pub(super) random: Random,
    pub(super) rig: Rig,
    pub(super) live: BTreeMap<u32, Generation>,
    pub(super) tasks: Vec<Task>,
    /// Chunks that are out.
    pub(super) out: Vec<(u32, u32, Vec<Run>)>,
    /// New generations that were asked for.
    pub(super) rewinds: Vec<(u32, u32, i64)>,
    pub(super) under_way: Option<Vec<CommitEntry>>,
    /// The save that a commit waits for, with the frontiers of its moment and how much is done above them.
    saving: Option<(u64, Moment)>,
    /// That of the save that has ended just now.
    saved: Option<Moment>,
    /// The group's commits.
    pub(super) committed: BTreeMap<u32, (i64, String)>,
    /// Where a log was cut, until a commit of its new records is acknowledged.
    pub(super) cut: BTreeMap<u32, (i64, u32)>,
    pub(super) done: Done,
    /// Two stores, which take some of the rows.
    pub(super) rows: BTreeMap<(u64, u32), PartitionSnapshot>,
    /// The store of the member that has a partition.
    pub(super) stores: BTreeMap<u32, u64>,
    /// Where a generation was sought back to, until the group knows.
    pub(super) sought: BTreeMap<u32, (i64, u32)>,
    pub(super) generations: u32,
    pub(super) returned: bool,
    pub(super) finished: bool,
    pub(super) fenced: bool,
    pub(super) seen: Seen,
}

fn released(actions: &[Action], slot: u32) -> bool {
    let released =
        |action: &Action| matches!(action, Action::Release(list) if list.contains(&partition(slot)));
    actions.iter().any(released)
}

impl World {
    pub(super) fn new(seed: u64, saves: bool) -> Self {
        let room = if seed.is_multiple_of(2) { METADATA } else { 40 };
        Self {
            log: Log::new(seed),
            random: Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1),
            // In every second history the commits have no room but for the lineage, so that the stores alone know more.
            rig: if saves { Rig::with_room(room).that_saves() } else { Rig::with_room(room) },
            live: BTreeMap::new(),
            tasks: Vec::new(),
            out: Vec::new(),
            rewinds: Vec::new(),
            under_way: None,
            saving: None,
            saved: None,
            committed: BTreeMap::new(),
            cut: BTreeMap::new(),
            done: Done::default(),
            rows: BTreeMap::new(),
            stores: BTreeMap::new(),
            sought: BTreeMap::new(),
            generations: 0,
            returned: false,
            finished: false,
            fenced: false,
            seen: Seen::default(),
        }
    }

    fn slot_of(partition: &TopicPartition) -> u32 {
        u32::try_from(partition.partition).expect("small")
    }

    pub(super) fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Commit(entries) => self.request(entries),
                Action::Abort(slots) => {
                    for slot in slots.iter().filter(|slot| self.rig.core.part(**slot).is_none()) {
                        self.live.remove(slot);
                    }
                }
                Action::Release(partitions) => {
                    for slot in partitions.iter().map(Self::slot_of) {
                        assert!(self.rig.core.part(slot).is_none(), "released, but not forgotten");
                        self.live.remove(&slot);
                    }
                }
                Action::Close(slots) => {
                    for slot in slots {
                        self.live.get_mut(&slot).expect("only what is there is closed").open = false;
                    }
                }
                Action::Rewind { slot, generation, offset } => self.rewinds.push((slot, generation, offset)),
                Action::Finish => self.finished = true,
                Action::Save { number, slots } => self.save(number, &slots),
                Action::Flush(_) | Action::AskGroup(_) => {}
            }
        }
    }

    /// A store takes a row, unless it has no room.
    fn save(&mut self, number: Option<u64>, slots: &[u32]) {
        if let Some(number) = number {
            let moment = self.rig.core.parts().map(|part| {
                ((part.home.slot, part.home.generation), (part.ledger.frontier(), part.done_above()))
            });
            assert!(self.saving.replace((number, moment.collect())).is_none(), "two saves at once");
        }
        for slot in slots {
            let Some(part) = self.rig.core.part(*slot) else { continue };
            let place = part.ledger.first_pending().and_then(|offset| part.home.place(offset));
            let fingerprint = place.map(|place| place.fingerprint);
            let number = i32::try_from(*slot).expect("small");
            let row = PartitionSnapshot::of("t", number, part.lineage, &part.ledger, fingerprint);
            if !self.random.one_in(3) {
                self.rows.insert((self.stores[slot], *slot), row);
            }
        }
    }

    /// The store has all that it was given.
    pub(super) fn stored(&mut self) {
        let Some((number, moment)) = self.saving.take() else { return };
        self.saved = Some(moment);
        let actions = self.rig.step(Event::Saved(number));
        self.carry_out(actions);
        self.saved = None;
    }

    /// Checks that all records are done that a commit says are done.
    fn is_true(&mut self, slot: u32, offset: i64, metadata: &str) {
        self.all_done(slot, 0..offset);
        if let Some(claim) = said(metadata, offset, slot).expect("it reads back").claim {
            self.seen.maps += 1;
            for run in claim.runs {
                self.all_done(slot, run.first..run.end);
            }
        }
    }

    fn request(&mut self, entries: Vec<CommitEntry>) {
        assert!(self.under_way.is_none(), "two requests at once");
        assert!(!entries.is_empty());
        if self.rig.core.settings.saves_first {
            let saved = self.saved.as_ref().expect("a commit before its save");
            for CommitEntry { slot, generation, offset, done_above, .. } in &entries {
                assert_eq!(
                    saved.get(&(*slot, *generation)),
                    Some(&(*offset, *done_above)),
                    "not as it was saved"
                );
            }
        }
        for CommitEntry { slot, generation, offset, metadata, .. } in &entries {
            let live = self.live.get_mut(slot).expect("a commit for what is not ours");
            assert_eq!(live.number, *generation, "a commit for an old generation");
            assert!(
                live.pending.first().is_none_or(|first| offset <= first),
                "{offset} passes a pending one"
            );
            assert!(*offset <= live.next, "{offset} was never read");
            assert!(live.asked.is_none_or(|asked| *offset >= asked), "{offset} goes back");
            live.asked = Some(*offset);
            self.is_true(*slot, *offset, metadata);
        }
        self.under_way = Some(entries);
    }

    pub(super) fn all_done(&self, slot: u32, offsets: std::ops::Range<i64>) {
        for record in self.log.records(slot, offsets) {
            assert!(self.done.contains(&record), "{record:?} is lost");
        }
    }

    pub(super) fn answer(&mut self, result: Option<CommitErrorKind>) {
        let Some(entries) = self.under_way.take() else { return };
        let actions = if let Some(kind) = result {
            let is_in = |slot: u32, generation: u32| {
                entries.iter().any(|entry| (entry.slot, entry.generation) == (slot, generation))
            };
            let others = self.live.iter().filter(|(slot, live)| !is_in(**slot, live.number));
            let others: Vec<u32> = others.map(|(slot, _)| *slot).collect();
            self.fenced |= kind == CommitErrorKind::Fenced;
            let actions = self.rig.refuse(kind);
            for slot in others {
                assert!(
                    self.rig.core.part(slot).is_some() || released(&actions, slot),
                    "{slot} was taken away"
                );
            }
            actions
        } else {
            for CommitEntry { slot, generation, offset, metadata, .. } in entries {
                if let Some((from, _)) = self.sought.get(&slot).filter(|(_, number)| *number == generation) {
                    self.done.want_again(slot, *from, generation);
                    self.sought.remove(&slot);
                    // Where the log was cut since it was asked for, the offset is about the records before.
                    if !self.cut.contains_key(&slot) {
                        self.is_true(slot, offset, &metadata);
                    }
                }
                self.committed.insert(slot, (offset, metadata));
                if self.cut.get(&slot).is_some_and(|(_, old)| generation > *old) {
                    self.cut.remove(&slot);
                }
            }
            self.rig.acknowledge()
        };
        self.carry_out(actions);
    }
}
