//! The poll thread's round: look after everything, run records that wait, fetch, run fetched records.

use std::{sync::Arc, time::Instant};

use super::{
    backlog::Backlog,
    lanes::{CHUNK, Lease},
    poll::Poller,
    station::Station,
};
use crate::{
    broker::{Broker, RecordRef, Source},
    engine::core::{Event, Older},
    envelope::{Reason, fingerprint},
    lane::{ChunkLog, Credit},
};

/// Why a record is skipped that is older than the time that its partition was started by.
const OLDER: &str = "older than the start";

/// How many records that wait are lent to a lane at least.
const FEW: usize = 32;

/// The poll thread's own hands. User code runs here, while nothing is locked.
pub(crate) struct Turner<B: Broker> {
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

impl<B: Broker> Turner<B> {
    pub(crate) fn new(station: Arc<Station<B>>, source: Arc<B::Source>) -> Self {
        let apart = station.with(|poller| poller.hands.is_some()).unwrap_or(false);
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
    pub(crate) fn turn(&mut self) -> bool {
        let station = Arc::clone(&self.station);
        let role = station.role();
        if !station.with(Poller::attend).unwrap_or(false) {
            return false;
        }
        drop(role);
        self.feed();
        let came = std::mem::take(&mut self.came);
        let Some(fetch) = station.with(|poller| poller.fetch(came)) else { return false };
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
        station.with(Poller::look_after).is_some()
    }

    /// Runs the records that wait and may run now.
    fn feed(&mut self) {
        let until = self.station.chunk_end();
        let mut slots = std::mem::take(&mut self.waiting);
        self.station.with(|poller| poller.lanes.take_kept(&mut slots));
        for slot in &slots {
            let lease = self.station.with(|poller| poller.lanes.lease_waiting(*slot)).flatten();
            let Some((mut lease, mut waiting)) = lease else { continue };
            if self.apart && !lease.is_careful() {
                self.hand_out(lease, waiting);
                continue;
            }
            // Where few may leave there is no use in lending many; nodes before a boundary may let more of them end.
            let most = usize::try_from(lease.credit.records).unwrap_or(CHUNK).clamp(FEW, CHUNK);
            let lent = waiting.lend(*slot, most);
            let taken = self.run(&mut lease, &lent, until);
            drop(lent);
            waiting.take(taken);
            self.station.with(|poller| poller.lanes.give_back(lease, waiting));
        }
        self.waiting = slots;
    }

    /// Has a lane's own thread run the records that wait for it.
    fn hand_out(&self, lease: Lease, waiting: Backlog) {
        let (id, first) = ((lease.home.slot, lease.home.generation), waiting.first());
        let control = &self.station.control;
        let may = first.is_some_and(|first| control.core().lend(id, first, control.now()));
        self.station.with(|poller| match &poller.hands {
            Some(hands) if may => hands.give(lease, waiting),
            _ => poller.lanes.give_back(lease, waiting),
        });
    }

    /// Notes which generations the records of a chunk were fetched for.
    fn note(&mut self, records: &[RecordRef<'_>]) {
        let Self { station, generations, waiting, .. } = self;
        station.with(|poller| {
            poller.lanes.take_kept(waiting);
            generations.clear();
            generations.extend(runs(records).map(|run| poller.lanes.take_in_hand(run[0].slot)));
        });
    }

    /// Runs a chunk; records that a lane cannot take now wait.
    fn dispatch(&mut self, records: &[RecordRef<'_>]) {
        let until = self.station.chunk_end();
        let generations = std::mem::take(&mut self.generations);
        for (run, generation) in runs(records).zip(&generations) {
            let (slot, Some(generation)) = (run[0].slot, *generation) else { continue };
            let lease = if self.apart {
                None
            } else {
                self.station.with(|poller| poller.lanes.lease_fresh(slot, generation)).flatten()
            };
            let taken = lease.map_or(0, |mut lease| {
                let taken = self.run(&mut lease, run, until);
                self.station.with(|poller| poller.lanes.give_back(lease, Backlog::default()));
                taken
            });
            self.station.with(|poller| poller.lanes.put_down(slot, generation, &run[taken..]));
        }
        self.generations = generations;
    }

    /// Runs records of one partition; says how many it took.
    fn run(&mut self, lease: &mut Lease, records: &[RecordRef<'_>], until: Option<Instant>) -> usize {
        if let Some(older) = lease.older {
            self.run_younger(lease, records, older, until)
        } else if lease.claimed {
            self.run_claimed(lease, records, until)
        } else {
            self.run_chunk(lease, records, lease.credit, until, false)
        }
    }

    fn run_chunk(
        &mut self,
        lease: &mut Lease,
        records: &[RecordRef<'_>],
        credit: Credit,
        until: Option<Instant>,
        delivered: bool,
    ) -> usize {
        let (slot, generation) = (lease.home.slot, lease.home.generation);
        let now = self.station.control.now();
        if !delivered {
            let Some(first) = records.first() else { return 0 };
            if !self.station.control.core().lend((slot, generation), first.offset, now) {
                return 0;
            }
        }
        self.log.clear();
        self.station.begin(now);
        let taken = lease.entry.run(records, credit, until, &mut self.log);
        self.station.end();
        let leader_epoch = records[..taken].last().and_then(|record| record.leader_epoch);
        let event = Event::Chunk { slot, generation, log: &self.log, leader_epoch, delivered };
        let actions = self.station.control.step(event);
        let failure = self.log.failure.take();
        if failure.is_some() || !actions.is_empty() {
            let _role = self.station.role();
            self.station.with(|poller| {
                if let Some(failure) = failure {
                    poller.fail_record(failure);
                }
                poller.carry_out(actions);
            });
        }
        taken
    }

    /// Runs records but those that are older than the time that the partition was started by.
    fn run_younger(
        &mut self,
        lease: &mut Lease,
        records: &[RecordRef<'_>],
        older: Older,
        until: Option<Instant>,
    ) -> usize {
        let control = Arc::clone(&self.station.control);
        let (slot, generation) = (lease.home.slot, lease.home.generation);
        let (mut taken, reason) = (0, Reason::new(OLDER));
        for run in records.chunk_by(|a, b| older.is(a) == older.is(b)) {
            let first = &run[0];
            if older.is(first) {
                if !control.core().lend((slot, generation), first.offset, control.now()) {
                    return taken;
                }
                self.log.clear();
                for record in run {
                    self.log.skip(record.offset, reason);
                }
                let leader_epoch = run.last().and_then(|record| record.leader_epoch);
                let event = Event::Chunk { slot, generation, log: &self.log, leader_epoch, delivered: false };
                let actions = control.step(event);
                if !actions.is_empty() {
                    let _role = self.station.role();
                    self.station.with(|poller| poller.carry_out(actions));
                }
                taken += run.len();
            } else {
                let credit = control.core().grant(slot);
                let ran = self.run_chunk(lease, run, credit, until, false);
                taken += ran;
                if ran < run.len() {
                    return taken;
                }
            }
            if lease.home.is_halted() || until.is_some_and(|until| Instant::now() >= until) {
                return taken;
            }
        }
        taken
    }

    /// Runs records one by one while an earlier owner's word about some of them stands.
    fn run_claimed(&mut self, lease: &mut Lease, records: &[RecordRef<'_>], until: Option<Instant>) -> usize {
        let control = Arc::clone(&self.station.control);
        let (slot, generation) = (lease.home.slot, lease.home.generation);
        for (taken, record) in records.iter().enumerate() {
            let now = control.now();
            let fresh = {
                let mut core = control.core();
                // First, so that nothing is delivered to a partition that is on its way out.
                if !core.lend((slot, generation), record.offset, now) {
                    return taken;
                }
                let Some(part) = core.part_mut(slot) else { return taken };
                if part.ledger.claim_to_verify() == Some(record.offset) {
                    part.ledger.verify(record.offset, fingerprint(record));
                }
                match part.ledger.deliver_known(record.offset, record.leader_epoch) {
                    Ok(healer_store::Delivered::AlreadyDone) => false,
                    Ok(healer_store::Delivered::Fresh) => true,
                    // The plain way says why the offset is refused.
                    Err(_) => {
                        drop(core);
                        return taken
                            + self.run_chunk(lease, &records[taken..=taken], Credit::ONE, None, false);
                    }
                }
            };
            let run: &[RecordRef<'_>] = if fresh { &records[taken..=taken] } else { &[] };
            self.run_chunk(lease, run, Credit::ONE, None, true);
            let core = control.core();
            let stop = core.credit(slot) == 0 || !core.part(slot).is_some_and(|part| part.ledger.has_claim());
            if stop || lease.home.is_halted() || until.is_some_and(|until| Instant::now() >= until) {
                return taken + 1;
            }
        }
        records.len()
    }
}

/// The records of one partition in a row. Where offsets go back another run begins, so that it is seen before it is run.
fn runs<'r, 'a>(records: &'r [RecordRef<'a>]) -> impl Iterator<Item = &'r [RecordRef<'a>]> {
    records.chunk_by(|a, b| a.slot == b.slot && a.offset < b.offset)
}
