//! News of records: chunks that ran, outcomes that came home, positions that moved on.
//!
//! **Positions** are believed when a lane has taken all that was fetched for it in this assignment; in the first second without a
//! record they may be those of the assignment before.

use std::time::Duration;

use super::Core;
use crate::{
    envelope::{Outcome, Settled},
    lane::ChunkLog,
};

impl Core {
    pub(super) fn chunk(
        &mut self,
        (slot, generation): (u32, u32),
        log: &ChunkLog,
        leader_epoch: Option<i32>,
        delivered: bool,
        now: Duration,
    ) {
        let part = self.parts.get_mut(&slot).filter(|part| part.home.generation == generation);
        let Some(part) = part else {
            let done = log.healed + log.skipped.iter().map(|(_, count)| count).sum::<u64>();
            self.tally.stale(slot, done);
            return;
        };
        let early = part.end_run();
        part.take_chunk(log, leader_epoch, delivered);
        part.look(&self.settings, now);
        self.settled(&early, now);
        self.weigh(slot);
        self.tally.healed += log.healed;
        for (reason, count) in &log.skipped {
            *self.tally.skipped.entry(*reason).or_default() += count;
        }
    }

    pub(super) fn settled(&mut self, outcomes: &[Settled], now: Duration) {
        for of_one in outcomes.chunk_by(|a, b| a.slot == b.slot) {
            for settled in of_one {
                self.settle(settled, now);
            }
            if let Some(part) = self.parts.get_mut(&of_one[0].slot) {
                part.home.tidy();
                part.look(&self.settings, now);
                self.weigh(of_one[0].slot);
            }
        }
    }

    fn settle(&mut self, settled: &Settled, now: Duration) {
        let part =
            self.parts.get_mut(&settled.slot).filter(|part| part.home.generation == settled.generation);
        let Some(part) = part else {
            self.tally.stale(settled.slot, 1);
            return;
        };
        if part.keep_early(settled) {
            return;
        }
        part.charge.came_home(settled.charge);
        match settled.outcome {
            Outcome::Returned => part.returned(settled.offset, now),
            outcome => {
                if part.ledger.settle(settled.generation, settled.offset).is_err() {
                    // A second outcome of one record: it changes nothing.
                    self.tally.stale(settled.slot, 1);
                    return;
                }
                match outcome {
                    Outcome::Skipped(reason) => *self.tally.skipped.entry(reason).or_default() += 1,
                    Outcome::DeadLettered => self.tally.dead_lettered += 1,
                    _ => self.tally.healed += 1,
                }
            }
        }
    }

    pub(super) fn positions(&mut self, positions: &[(u32, i64)]) {
        for (slot, position) in positions {
            // A closed lane has thrown its records away, and those of a run are not done: the position is beyond both.
            if let Some(part) = self.parts.get_mut(slot).filter(|part| part.is_open() && !part.is_out()) {
                part.ledger.advance(*position);
            }
        }
    }
}
