//! Random histories against an oracle that is too simple to be wrong: it keeps every record ever done in a set.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::rig::{MILLI, Rig, SECOND, at, partition};
use crate::{
    broker::{CommitErrorKind, TopicPartition},
    engine::core::{Action, CommitEntry, Event, Start},
    envelope::{Outcome, Reason},
    operators::Run,
};

const SEEDS: u64 = 3_000;
const STEPS: u32 = 150;
const SLOTS: u32 = 3;
/// The end offset of every partition.
const END: i64 = 120;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Says which seed failed.
struct Says(u64);

impl Drop for Says {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing seed is {}", self.0);
        }
    }
}

/// Whether the log has a record there; the others are markers and what compaction took.
fn exists(seed: u64, slot: u32, offset: i64) -> bool {
    let mix = seed.wrapping_add(u64::from(slot)).wrapping_mul(31).wrapping_add(offset.unsigned_abs());
    !Random(mix.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1).one_in(4)
}

/// What the oracle knows of a generation.
struct Generation {
    number: u32,
    /// The next offset to read.
    next: i64,
    pending: BTreeSet<i64>,
    /// The highest offset that a request of this generation asked for.
    asked: Option<i64>,
    open: bool,
}

struct World {
    seed: u64,
    random: Random,
    rig: Rig,
    live: BTreeMap<u32, Generation>,
    /// Left for tasks and not settled: slot, generation, offset.
    tasks: Vec<(u32, u32, i64)>,
    under_way: Option<Vec<CommitEntry>>,
    /// What the group has committed.
    committed: BTreeMap<u32, i64>,
    ever_done: BTreeSet<(u32, i64)>,
    generations: u32,
    returned: bool,
    finished: bool,
    fenced: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            random: Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1),
            rig: Rig::new(),
            live: BTreeMap::new(),
            tasks: Vec::new(),
            under_way: None,
            committed: BTreeMap::new(),
            ever_done: BTreeSet::new(),
            generations: 0,
            returned: false,
            finished: false,
            fenced: false,
        }
    }

    fn slot_of(partition: &TopicPartition) -> u32 {
        u32::try_from(partition.partition).expect("small")
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
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
                Action::Finish => self.finished = true,
                Action::Rewind { .. } => panic!("no offset went back"),
                Action::Save(_) | Action::Hurry(_) | Action::AskGroup(_) => {}
            }
        }
    }

    fn request(&mut self, entries: Vec<CommitEntry>) {
        assert!(self.under_way.is_none(), "two requests at once");
        assert!(!entries.is_empty());
        for CommitEntry { slot, generation, offset, .. } in &entries {
            let live = self.live.get_mut(slot).expect("a commit for what is not ours");
            assert_eq!(live.number, *generation, "a commit for an old generation");
            assert!(
                live.pending.first().is_none_or(|first| offset <= first),
                "{offset} passes a pending one"
            );
            assert!(*offset <= live.next, "{offset} was never read");
            assert!(live.asked.is_none_or(|asked| *offset >= asked), "{offset} goes back");
            live.asked = Some(*offset);
        }
        self.under_way = Some(entries);
    }

    fn answer(&mut self, result: Option<CommitErrorKind>) {
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
            for CommitEntry { slot, offset, .. } in entries {
                for below in (0..offset).filter(|below| exists(self.seed, slot, *below)) {
                    assert!(self.ever_done.contains(&(slot, below)), "{slot}@{below} is lost");
                }
                self.committed.insert(slot, offset);
            }
            self.rig.acknowledge()
        };
        self.carry_out(actions);
    }

    fn assign(&mut self, slot: u32) {
        if self.live.contains_key(&slot) || !self.rig.core.is_running() {
            return;
        }
        self.generations += 1;
        let start = match self.committed.get(&slot) {
            None if self.random.one_in(4) => Start { commit: true, ..at(None) },
            committed => at(committed.copied()),
        };
        let number = self.generations;
        let next = start.offset;
        let generation = Generation { number, next, pending: BTreeSet::new(), asked: None, open: true };
        self.live.insert(slot, generation);
        let actions = self.rig.assign(slot, number, start);
        self.carry_out(actions);
    }

    fn chunk(&mut self, slot: u32, most: u64) {
        let credit = self.rig.core.credit(slot);
        let (random, tasks) = (&mut self.random, &mut self.tasks);
        let Some(live) = self.live.get_mut(&slot).filter(|_| credit > 0) else { return };
        let mut runs: Vec<Run> = Vec::new();
        let mut left = 0;
        for offset in (live.next..END).filter(|offset| exists(self.seed, slot, *offset)) {
            if u64::try_from(runs.len()).expect("small") >= most || left >= credit {
                break;
            }
            let done = random.one_in(2);
            if done {
                self.ever_done.insert((slot, offset));
            } else {
                left += 1;
                live.pending.insert(offset);
                tasks.push((slot, live.number, offset));
            }
            live.next = offset + 1;
            match runs.last_mut() {
                Some(run) if run.end == offset && run.done == done => run.end += 1,
                _ => runs.push(Run { first: offset, end: offset + 1, done }),
            }
        }
        let number = live.number;
        let actions = self.rig.chunk(slot, number, &runs);
        self.carry_out(actions);
    }

    fn settle(&mut self, returned: bool) {
        if self.tasks.is_empty() {
            return;
        }
        let at = usize::try_from(self.random.below(self.tasks.len() as u64)).expect("small");
        let (slot, generation, offset) = self.tasks.swap_remove(at);
        let outcome = match self.random.below(4) {
            _ if returned => Outcome::Returned,
            0 => Outcome::Skipped(Reason::new("random")),
            _ => Outcome::Healed,
        };
        let live = self.live.get_mut(&slot).filter(|live| live.number == generation);
        if outcome != Outcome::Returned {
            self.ever_done.insert((slot, offset));
        }
        match live {
            Some(_) if returned => self.returned = true,
            Some(live) => drop(live.pending.remove(&offset)),
            None => {}
        }
        let actions = self.rig.settle(slot, generation, offset, outcome);
        self.carry_out(actions);
        if !returned && self.random.one_in(20) {
            let actions = self.rig.heal(slot, generation, offset);
            self.carry_out(actions);
        }
    }

    fn position(&mut self, slot: u32) {
        let Some(live) = self.live.get_mut(&slot) else { return };
        let to = if live.open {
            // Over what is no record.
            (live.next..END).find(|offset| exists(self.seed, slot, *offset)).unwrap_or(END)
        } else {
            // Over records that a closed lane threw away: the core must not believe it.
            live.next + 5
        };
        if live.open {
            live.next = live.next.max(to);
        }
        let actions = self.rig.step(Event::Positions(&[(slot, to)]));
        self.carry_out(actions);
    }

    fn pass(&mut self, time: Duration) {
        let actions = self.rig.pass(time);
        self.carry_out(actions);
    }

    fn step(&mut self) {
        let slot = u32::try_from(self.random.below(SLOTS.into())).expect("small");
        match self.random.below(100) {
            0..8 => self.assign(slot),
            8..30 => {
                let most = self.random.below(6) + 1;
                self.chunk(slot, most);
            }
            30..65 => self.settle(false),
            65 if self.random.one_in(6) => self.settle(true),
            66..72 => self.position(slot),
            72..84 => {
                let result = match self.random.below(12) {
                    0 => Some(CommitErrorKind::Retriable),
                    1 => Some(CommitErrorKind::Rebalancing),
                    2 => Some(CommitErrorKind::Fenced),
                    _ => None,
                };
                self.answer(result);
            }
            84..86 => {
                if self.live.get(&slot).is_some_and(|live| live.open) {
                    let actions = self.rig.step(Event::Revoked(vec![partition(slot)]));
                    self.carry_out(actions);
                }
            }
            86 => {
                if self.live.contains_key(&slot) {
                    let actions = self.rig.step(Event::Lost(vec![partition(slot)]));
                    self.carry_out(actions);
                }
            }
            _ => {
                let millis = u32::try_from(self.random.below(3_000)).expect("small");
                self.pass(MILLI * millis);
            }
        }
    }

    /// Everything is answered and settled from now on: then all must be committed.
    fn come_to_rest(&mut self) {
        for _ in 0..200 {
            if !self.rig.core.is_running() {
                break;
            }
            for slot in 0..SLOTS {
                self.assign(slot);
                if self.live.get(&slot).is_some_and(|live| live.open) {
                    self.chunk(slot, u64::MAX);
                    self.position(slot);
                }
            }
            while !self.tasks.is_empty() {
                self.settle(false);
            }
            self.answer(None);
            self.pass(SECOND);
            if (0..SLOTS).all(|slot| self.committed.get(&slot) == Some(&END)) {
                break;
            }
        }
        if self.returned {
            assert!(
                self.rig.core.failure.is_some() || self.fenced || self.live.len() < 3 || self.all_ended()
            );
        } else {
            assert!(self.rig.core.failure.is_none(), "{:?}", self.rig.core.failure);
            assert!(self.all_ended(), "committed {:?} of {END}", self.committed);
        }
        let actions = self.rig.step(Event::Stop);
        self.carry_out(actions);
        for _ in 0..20 {
            while !self.tasks.is_empty() {
                self.settle(false);
            }
            self.answer(None);
            self.pass(SECOND);
        }
        assert!(self.finished, "it never ends");
        for (slot, live) in &self.live {
            if let (Some(first), Some(committed)) = (live.pending.first(), self.committed.get(slot)) {
                assert!(committed <= first);
            }
        }
    }

    fn all_ended(&self) -> bool {
        (0..SLOTS).all(|slot| self.committed.get(&slot) == Some(&END))
    }
}

fn released(actions: &[Action], slot: u32) -> bool {
    let released =
        |action: &Action| matches!(action, Action::Release(list) if list.contains(&partition(slot)));
    actions.iter().any(released)
}

fn run(seed: u64) {
    let _says = Says(seed);
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.come_to_rest();
}

#[test]
fn no_history_loses_a_record_and_every_one_comes_to_rest() {
    for seed in 1..=SEEDS {
        run(seed);
    }
}
