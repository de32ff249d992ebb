//! The group and its commits in one random history, and the oracle that knows every record ever done.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::rig::{Rig, decode, partition},
    log::{Log, Random, Record},
};
use crate::{
    broker::{CommitErrorKind, TopicPartition},
    engine::core::{Action, CommitEntry},
    envelope::Receipt,
    operators::Run,
};

/// What the oracle knows of a generation.
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

/// What a history came across, so that a test can tell that it did.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) epochs: u32,
    pub(super) skipped: u32,
    pub(super) back_late: u32,
    pub(super) maps: u32,
}

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
    under_way: Option<Vec<CommitEntry>>,
    /// What the group has committed.
    pub(super) committed: BTreeMap<u32, (i64, String)>,
    /// Where a log was cut, until a commit of its new records is acknowledged.
    pub(super) cut: BTreeMap<u32, (i64, u32)>,
    pub(super) ever_done: BTreeSet<Record>,
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
    pub(super) fn new(seed: u64) -> Self {
        Self {
            log: Log::new(seed),
            random: Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1),
            rig: Rig::new(),
            live: BTreeMap::new(),
            tasks: Vec::new(),
            out: Vec::new(),
            rewinds: Vec::new(),
            under_way: None,
            committed: BTreeMap::new(),
            cut: BTreeMap::new(),
            ever_done: BTreeSet::new(),
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
                Action::Save(_) | Action::Hurry(_) | Action::AskGroup(_) => {}
            }
        }
    }

    fn request(&mut self, entries: Vec<CommitEntry>) {
        assert!(self.under_way.is_none(), "two requests at once");
        assert!(!entries.is_empty());
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
            self.all_done(*slot, 0..*offset);
            if !metadata.is_empty() {
                self.seen.maps += 1;
                let claim = decode(metadata, *offset, *slot).expect("it reads back");
                for run in claim.runs {
                    self.all_done(*slot, run.first..run.end);
                }
            }
        }
        self.under_way = Some(entries);
    }

    pub(super) fn all_done(&self, slot: u32, offsets: std::ops::Range<i64>) {
        for record in self.log.records(slot, offsets) {
            assert!(self.ever_done.contains(&record), "{record:?} is lost");
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
