//! The poll thread's round: look after everything, run records that wait, fetch, run fetched records.
//!
//! **Slow synchronous stages.** A chunk ends after 10 ms; its remaining records wait as copies, and while every lane has work,
//! one record at a time is fetched (polling answers rebalances), since a pause would throw away the records that the client has
//! prefetched.

use std::{sync::Arc, time::Instant};

use super::{
    lanes::{CHUNK, LaneRun},
    rounds::Driver,
    station::Station,
};
use crate::{
    broker::{Broker, RecordRef, Source},
    engine::core::Treatment,
    envelope::Reason,
    lane::ChunkLog,
};

/// Why a record is skipped that is older than the time that its partition was started by.
const OLDER: &str = "older than the start";

/// How many records that wait are lent to a lane at least.
const FEW: usize = 32;

/// The rounds of the poll thread. User code runs here, while nothing is locked.
pub(crate) struct PollLoop<B: Broker> {
    station: Arc<Station<B>>,
    source: Arc<B::Source>,
    log: ChunkLog,
    /// Slots in which something waits.
    waiting: Vec<u32>,
    /// Whether lanes run on threads of their own.
    apart: bool,
    /// Whether the last fetch brought records.
    came: bool,
    /// The generation of each run of the chunk that was fetched.
    generations: Vec<Option<u32>>,
}

impl<B: Broker> PollLoop<B> {
    pub(crate) fn new(station: Arc<Station<B>>, source: Arc<B::Source>) -> Self {
        let apart = station.with(|driver| driver.lane_workers.is_some()).unwrap_or(false);
        Self {
            station,
            source,
            log: ChunkLog::default(),
            waiting: Vec::new(),
            apart,
            came: false,
            generations: Vec::new(),
        }
    }

    /// One round; says whether there is another.
    pub(crate) fn run_once(&mut self) -> bool {
        let station = Arc::clone(&self.station);
        let role = station.role();
        if !station.with(Driver::attend).unwrap_or(false) {
            return false;
        }
        drop(role);
        self.feed();
        let came = std::mem::take(&mut self.came);
        let Some(fetch) = station.with(|driver| driver.fetch(came)) else { return false };
        if let Some(rest) = fetch.rest {
            station.rest(rest);
        }
        let mut role = Some(station.role());
        let source = Arc::clone(&self.source);
        source.poll(fetch.max, fetch.wait, &mut |records| {
            self.came = true;
            self.note(records);
            // A thread that fetches from here on gets newer records.
            role = None;
            self.dispatch(records);
        });
        if self.apart {
            // Free while user code runs, also where nothing was fetched: its actions ask for it.
            drop(role.take());
            self.feed();
        }
        let _role = role.unwrap_or_else(|| station.role());
        station.with(Driver::look_after).is_some()
    }

    /// Runs the records that wait and may run now.
    fn feed(&mut self) {
        let until = self.station.chunk_end();
        let station = Arc::clone(&self.station);
        let mut slots = std::mem::take(&mut self.waiting);
        station.with(|driver| driver.lanes.take_kept(&mut slots));
        for slot in &slots {
            let mut taken = 0;
            while taken < CHUNK
                && let Some(run) = station.with(|driver| driver.lanes.begin_waiting(*slot)).flatten()
            {
                if self.apart && !run.leave.is_careful {
                    // The lane's own thread runs all that waits.
                    station.with(|driver| {
                        driver.lane_workers.as_ref().map(|lane_workers| lane_workers.give(run))
                    });
                    break;
                }
                let ran = self.run(run, &[], until);
                taken += ran.taken;
                if !ran.goes_on {
                    break;
                }
            }
        }
        self.waiting = slots;
    }

    /// Notes which generations the records of a chunk were fetched for.
    fn note(&mut self, records: &[RecordRef<'_>]) {
        let Self { station, generations, waiting, .. } = self;
        station.with(|driver| {
            driver.lanes.take_kept(waiting);
            generations.clear();
            generations.extend(runs(records).map(|run| driver.lanes.take_in_hand(run[0].slot)));
        });
    }

    /// Runs a chunk; records that a lane cannot take now wait.
    fn dispatch(&mut self, records: &[RecordRef<'_>]) {
        let until = self.station.chunk_end();
        let station = Arc::clone(&self.station);
        let generations = std::mem::take(&mut self.generations);
        for (fetched, generation) in runs(records).zip(&generations) {
            let (slot, Some(generation)) = (fetched[0].slot, *generation) else { continue };
            let mut left = fetched;
            while !self.apart
                && let Some(run) =
                    station.with(|driver| driver.lanes.begin_run(slot, generation, left)).flatten()
            {
                let ran = self.run(run, left, until);
                left = &left[ran.taken..];
                if !ran.goes_on {
                    break;
                }
            }
            station.with(|driver| driver.lanes.put_down(slot, generation, left));
        }
        self.generations = generations;
    }

    /// Plays a run, of records that were just fetched or of those that wait, and takes it back.
    fn run(&mut self, mut run: LaneRun, fetched: &[RecordRef<'_>], until: Option<Instant>) -> Ran {
        let LaneRun { home, entry, leave, waiting } = &mut run;
        // Where few may leave there is no use in lending many; nodes before a boundary may let more of them end.
        let most = usize::try_from(leave.credit.records).unwrap_or(CHUNK).clamp(FEW, CHUNK);
        let lent = waiting.lend(home.slot, most.min(leave.records));
        let records = if lent.is_empty() { &fetched[..fetched.len().min(leave.records)] } else { &lent[..] };
        let (log, count) = (&mut self.log, records.len());
        log.clear();
        let taken = match leave.treatment {
            Treatment::Plain | Treatment::Delivered => {
                let now = self.station.control.now();
                self.station.user_code(now, || entry.run(records, leave.credit, until, log))
            }
            Treatment::Done => count,
            Treatment::Older => {
                let reason = Reason::new(OLDER);
                for record in records {
                    log.skip(record.offset, reason);
                }
                count
            }
        };
        let leader_epoch = records[..taken].last().and_then(|record| record.leader_epoch);
        drop(lent);
        waiting.take(taken);
        let goes_on = leave.is_careful && taken == count;
        self.finish(run, leader_epoch);
        Ran { taken, goes_on: goes_on && until.is_none_or(|until| Instant::now() < until) }
    }

    fn finish(&mut self, run: LaneRun, leader_epoch: Option<i32>) {
        let Self { station, log, .. } = self;
        let followup = station.with(|driver| driver.finish_run(run, log, leader_epoch));
        if let Some(followup) = followup.filter(|followup| !followup.is_none()) {
            let _role = station.role();
            station.with(|driver| driver.follow(followup));
        }
    }
}

/// The result of a run.
struct Ran {
    /// How many records it took.
    taken: usize,
    /// Whether the records behind them may run at once: they may be treated otherwise.
    goes_on: bool,
}

/// The records of one partition in a row. Where offsets go back another run begins, so that it is seen before it is run.
fn runs<'r, 'a>(records: &'r [RecordRef<'a>]) -> impl Iterator<Item = &'r [RecordRef<'a>]> {
    records.chunk_by(|a, b| a.slot == b.slot && a.offset < b.offset)
}
