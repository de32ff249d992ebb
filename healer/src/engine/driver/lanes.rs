//! The lanes of the assigned partitions, and the records that wait for them.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use super::control::Control;
use crate::{
    broker::{BadHeaders, ReadHeaders, RecordRef, TopicPartition},
    context::Headers,
    engine::{
        Host,
        core::{Action, Event},
    },
    envelope::{Home, fingerprint},
    error::Failure,
    operators::{CHUNK_TIME, ChunkLog, EntryLane},
};

/// How many records are taken from the broker at once.
pub(super) const CHUNK: usize = 512;

/// A record that was fetched before its lane could take it.
struct Waiting {
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: WaitingHeaders,
}

struct WaitingHeaders(Result<Headers, BadHeaders>);

impl ReadHeaders for WaitingHeaders {
    fn read(&self, into: &mut Headers) -> Result<(), BadHeaders> {
        let headers = self.0.as_ref().map_err(Clone::clone)?;
        headers.iter().for_each(|(name, value)| into.push(name, value));
        Ok(())
    }
}

impl Waiting {
    fn new(record: &RecordRef<'_>, with_headers: bool) -> Self {
        let mut headers = Headers::new();
        let read = if with_headers { record.headers.read(&mut headers) } else { Ok(()) };
        Self {
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: WaitingHeaders(read.map(|()| headers)),
        }
    }

    fn lend(&self, slot: u32) -> RecordRef<'_> {
        RecordRef {
            slot,
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &self.headers,
        }
    }
}

/// A partition's way in.
struct Lane {
    home: Arc<Home>,
    host: Host,
    /// `None` once it was closed.
    entry: Option<Box<dyn EntryLane>>,
    waiting: VecDeque<Waiting>,
    paused: bool,
    opened: Instant,
    /// Whether a record of this assignment was lent.
    lent: bool,
}

/// How long after an assignment the client may still tell the position of the one before.
const OLD_POSITION: Duration = Duration::from_secs(1);

/// What the poll thread must do about fetching.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) pause: Vec<TopicPartition>,
    pub(super) resume: Vec<TopicPartition>,
}

/// All lanes by slot.
pub(super) struct Lanes {
    control: Arc<Control>,
    by_slot: Vec<Option<Lane>>,
    in_flight: usize,
    log: ChunkLog,
    actions: Vec<Action>,
    failures: Vec<Failure>,
}

impl Lanes {
    pub(super) fn new(control: Arc<Control>, in_flight: usize) -> Self {
        Self {
            control,
            by_slot: Vec::new(),
            in_flight,
            log: ChunkLog::default(),
            actions: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn open(&mut self, slot: u32, home: Arc<Home>, host: Host, entry: Box<dyn EntryLane>) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        self.by_slot[at] = Some(Lane {
            home,
            host,
            entry: Some(entry),
            waiting: VecDeque::new(),
            paused: false,
            opened: Instant::now(),
            lent: false,
        });
    }

    /// Gives a lane nothing more; its tasks end by themselves.
    pub(super) fn close(&mut self, slot: u32) {
        if let Some(lane) = self.lane(slot) {
            lane.entry = None;
            lane.waiting.clear();
        }
    }

    /// Cancels a lane's tasks.
    pub(super) fn abort(&mut self, slot: u32) {
        if let Some(lane) = self.by_slot.get_mut(slot as usize).and_then(Option::take) {
            // First, so that a task whose lower neighbour ends before it does not go on giving it values.
            lane.home.halt(i64::MIN);
            lane.host.abort();
        }
    }

    fn lane(&mut self, slot: u32) -> Option<&mut Lane> {
        self.by_slot.get_mut(slot as usize)?.as_mut()
    }

    /// Runs a chunk; what a lane cannot take now waits.
    pub(super) fn dispatch(&mut self, records: &[RecordRef<'_>]) {
        let until = Instant::now() + CHUNK_TIME;
        for run in records.chunk_by(|a, b| a.slot == b.slot) {
            let slot = run[0].slot;
            let waits = self.lane(slot).is_none_or(|lane| {
                lane.lent = true;
                !lane.waiting.is_empty()
            });
            let taken = if waits { 0 } else { self.run(slot, run, until) };
            if let Some(lane) = self.lane(slot)
                && let Some(entry) = &lane.entry
            {
                let with_headers = entry.reads();
                lane.waiting.extend(run[taken..].iter().map(|record| Waiting::new(record, with_headers)));
            }
        }
    }

    /// Runs what waits and may run now.
    pub(super) fn feed(&mut self) {
        let until = Instant::now() + CHUNK_TIME;
        for slot in 0..u32::try_from(self.by_slot.len()).unwrap_or(u32::MAX) {
            let Some(lane) = self.lane(slot).filter(|lane| !lane.waiting.is_empty()) else {
                continue;
            };
            // Taken out meanwhile, so that the records can be lent beside the lane.
            let mut waiting = std::mem::take(&mut lane.waiting);
            let lent: Vec<_> = waiting.iter().take(CHUNK).map(|record| record.lend(slot)).collect();
            let taken = self.run(slot, &lent, until);
            drop(lent);
            waiting.drain(..taken);
            if let Some(lane) = self.lane(slot) {
                lane.waiting = waiting;
            }
        }
    }

    /// Whether records wait, and whether one of them could run.
    pub(super) fn waiting(&self) -> (bool, bool) {
        let core = self.control.core();
        let waiting = self.by_slot.iter().flatten().filter(|lane| !lane.waiting.is_empty());
        waiting.fold((false, false), |(_, ready), lane| (true, ready || core.credit(lane.home.slot) > 0))
    }

    /// Whether records wait for every open lane.
    pub(super) fn all_wait(&self) -> bool {
        let mut open = self.by_slot.iter().flatten().filter(|lane| lane.entry.is_some());
        open.all(|lane| !lane.waiting.is_empty())
    }

    /// Whether the consumer's position is what a lane has taken: all that was fetched for it, in this assignment.
    pub(super) fn is_at_position(&self, slot: u32) -> bool {
        let lane = self.by_slot.get(slot as usize).and_then(Option::as_ref);
        lane.is_some_and(|lane| {
            let taken = lane.entry.is_some() && lane.waiting.is_empty();
            taken && (lane.lent || lane.opened.elapsed() >= OLD_POSITION)
        })
    }

    /// Fetching pauses when a bound's worth of records waits, and goes on at half of it: to resume is to fetch again what
    /// the client threw away.
    pub(super) fn flow(&mut self) -> Flow {
        let mut flow = Flow::default();
        for lane in self.by_slot.iter_mut().flatten().filter(|lane| lane.entry.is_some()) {
            let waiting = lane.waiting.len();
            if !lane.paused && waiting >= self.in_flight {
                lane.paused = true;
                flow.pause.push(lane.home.partition.clone());
            } else if lane.paused && waiting <= self.in_flight / 2 {
                lane.paused = false;
                flow.resume.push(lane.home.partition.clone());
            }
        }
        flow
    }

    pub(super) fn take_actions(&mut self) -> (Vec<Action>, Vec<Failure>) {
        (std::mem::take(&mut self.actions), std::mem::take(&mut self.failures))
    }

    /// Runs records of one partition; says how many it took.
    fn run(&mut self, slot: u32, records: &[RecordRef<'_>], until: Instant) -> usize {
        let (credit, claimed) = {
            let core = self.control.core();
            (core.credit(slot), core.part(slot).is_some_and(|part| part.ledger.has_claim()))
        };
        let halted = self.lane(slot).is_none_or(|lane| lane.home.is_halted());
        if credit == 0 || halted {
            return 0;
        }
        if claimed {
            self.run_claimed(slot, records, until)
        } else {
            self.run_chunk(slot, records, credit, until, false)
        }
    }

    fn run_chunk(
        &mut self,
        slot: u32,
        records: &[RecordRef<'_>],
        credit: u64,
        until: Instant,
        delivered: bool,
    ) -> usize {
        let Some(Some(lane)) = self.by_slot.get_mut(slot as usize) else {
            return 0;
        };
        let Some(entry) = &mut lane.entry else { return 0 };
        self.log.clear();
        let taken = entry.run(records, credit, until, &mut self.log);
        let event = Event::Chunk { slot, generation: lane.home.generation, log: &self.log, delivered };
        self.actions.extend(self.control.step(event));
        self.failures.extend(self.log.failure.take());
        taken
    }

    /// Runs records one by one while an earlier owner's word about some of them stands.
    fn run_claimed(&mut self, slot: u32, records: &[RecordRef<'_>], until: Instant) -> usize {
        for (taken, record) in records.iter().enumerate() {
            let control = Arc::clone(&self.control);
            let fresh = {
                let mut core = control.core();
                let Some(part) = core.part_mut(slot) else {
                    return taken;
                };
                if part.ledger.claim_to_verify() == Some(record.offset) {
                    part.ledger.verify(record.offset, fingerprint(record));
                }
                match part.ledger.deliver_known(record.offset) {
                    Ok(healer_store::Delivered::AlreadyDone) => false,
                    Ok(healer_store::Delivered::Fresh) => true,
                    // The plain way says what is wrong with the offset.
                    Err(_) => {
                        drop(core);
                        return taken + self.run_chunk(slot, &records[taken..=taken], 1, until, false);
                    }
                }
            };
            if fresh {
                self.run_chunk(slot, &records[taken..=taken], 1, until, true);
            }
            let stop = {
                let core = control.core();
                core.credit(slot) == 0 || !core.part(slot).is_some_and(|part| part.ledger.has_claim())
            };
            if stop || !self.failures.is_empty() {
                return taken + 1;
            }
        }
        records.len()
    }
}
