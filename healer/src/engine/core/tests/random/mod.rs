//! Random histories against an oracle that is too simple to be wrong: it keeps every record ever done in a set.

mod done;
mod log;
mod member;
mod world;

use std::time::Duration;

use self::{
    log::END,
    world::{Seen, World},
};
use super::rig::{MILLI, SECOND, partition};
use crate::{broker::CommitErrorKind, engine::core::Event};

const SEEDS: u64 = 3_000;
const STEPS: u32 = 150;
const SLOTS: u32 = 3;

/// Says which seed failed.
struct Says(u64);

impl Drop for Says {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing seed is {}", self.0);
        }
    }
}

impl World {
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
                let keep = self.random.one_in(3);
                self.chunk(slot, most, keep);
            }
            30..65 => self.settle(false),
            65 if self.random.one_in(6) => self.settle(true),
            66..70 => self.position(slot),
            70 if self.random.one_in(3) => self.cut(slot),
            71 => self.rewind(),
            92 if self.random.one_in(3) => self.seek(slot),
            93 if self.random.one_in(3) => self.reset(slot),
            87..92 => self.bring_one_back(),
            94..97 => self.stored(),
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
                    self.chunk(slot, u64::MAX, false);
                    self.position(slot);
                }
            }
            self.finish_all();
            self.stored();
            self.answer(None);
            self.pass(SECOND);
            if (0..SLOTS).all(|slot| self.committed.get(&slot).is_some_and(|(offset, _)| *offset == END)) {
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
            self.finish_all();
            self.stored();
            self.answer(None);
            self.pass(SECOND);
        }
        assert!(self.finished, "it never ends");
        for (slot, live) in &self.live {
            if let (Some(first), Some((committed, _))) = (live.pending.first(), self.committed.get(slot)) {
                assert!(committed <= first);
            }
        }
    }

    fn all_ended(&self) -> bool {
        (0..SLOTS).all(|slot| self.committed.get(&slot).is_some_and(|(offset, _)| *offset == END))
    }
}

fn run(seed: u64, saves: bool) -> Seen {
    let _says = Says(seed);
    let mut world = World::new(seed, saves);
    for _ in 0..STEPS {
        world.step();
    }
    world.come_to_rest();
    world.seen
}

#[test]
fn no_history_loses_a_record_and_every_one_comes_to_rest() {
    let mut all = Seen::default();
    // Some pipelines keep something in the store.
    let seeds = (1..=SEEDS).map(|seed| (seed, false)).chain((1..=SEEDS / 2).map(|seed| (seed, true)));
    for (seed, saves) in seeds {
        let seen = run(seed, saves);
        all.epochs += seen.epochs;
        all.skipped += seen.skipped;
        all.back_late += seen.back_late;
        all.maps += seen.maps;
        all.seeks += seen.seeks;
        all.resets += seen.resets;
        all.rows += seen.rows;
        all.stale += seen.stale;
    }
    let Seen { epochs, skipped, back_late, maps, seeks, resets, rows, stale } = all;
    let counts = [epochs, skipped, back_late, maps, seeks, resets, rows, stale];
    assert!(counts.iter().all(|count| *count > 100), "{all:?}");
}
