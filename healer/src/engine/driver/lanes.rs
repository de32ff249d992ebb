//! The lanes of the assigned partitions, and the records that wait for them.

use std::{sync::Arc, time::Duration};

use super::{
    backlog::Backlog,
    control::Control,
    lane::{EntryState, Lane, pauses},
    piece::Pool,
};
use crate::{
    broker::{RecordRef, TopicPartition},
    engine::core::Leave,
    envelope::Home,
    lane::{EntryLane, Host, Memory},
};

/// How many records are taken from the broker at once.
pub(super) const CHUNK: usize = 512;

/// A run of a lane: its chain, and the records that wait for it, are with the thread that runs them, while others may look after the
/// lane. Made by `Lanes::begin_run`; ends with `Driver::finish_run`.
pub(super) struct LaneRun {
    pub(super) home: Arc<Home>,
    pub(super) entry: Box<dyn EntryLane>,
    pub(super) leave: Leave,
    /// Empty where the records were just fetched.
    pub(super) waiting: Backlog,
}

/// How long after an assignment the client may still tell the position of the one before.
const OLD_POSITION: Duration = Duration::from_secs(1);

/// The partitions whose fetching the poll thread must pause or resume.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) pause: Vec<TopicPartition>,
    pub(super) resume: Vec<TopicPartition>,
}

/// All lanes by slot.
pub(super) struct Lanes {
    control: Arc<Control>,
    by_slot: Vec<Option<Lane>>,
    /// The slots whose lane has waiting records, is out with them, or is paused: the others, maybe many, cost a round nothing.
    busy: Vec<u32>,
    /// How many take records.
    open: usize,
    pool: Pool,
    memory: Arc<Memory>,
}

impl Lanes {
    pub(super) fn new(control: Arc<Control>, memory: Arc<Memory>) -> Self {
        Self { control, by_slot: Vec::new(), busy: Vec::new(), open: 0, pool: Pool::default(), memory }
    }

    pub(super) fn open(&mut self, home: Arc<Home>, host: Host, entry: Box<dyn EntryLane>) {
        let at = home.slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize_with(at + 1, || None);
        }
        // The lane before is over, even if its tasks still run.
        if let Some(old) = self.by_slot[at].take() {
            self.open -= usize::from(!old.is_closed());
            old.home.fence();
            old.host.abort();
        }
        self.open += 1;
        self.by_slot[at] = Some(Lane {
            home,
            host,
            reads: entry.reads(),
            entry: EntryState::Open(entry),
            waiting: Backlog::default(),
            out: 0,
            in_hand: 0,
            kept: Backlog::default(),
            paused: false,
            is_busy: false,
            opened: self.control.now(),
            fetched: false,
        });
        self.busy.retain(|slot| *slot as usize != at);
    }

    /// The lanes that are looked at in each round.
    fn busy(&self) -> impl Iterator<Item = &Lane> {
        self.busy.iter().filter_map(|slot| self.by_slot.get(*slot as usize)?.as_ref())
    }

    /// Gives a lane nothing more; its tasks end by themselves.
    pub(super) fn close(&mut self, slot: u32) {
        if let Some(lane) = self.lane(slot).filter(|lane| !lane.is_closed()) {
            lane.entry = EntryState::Closed;
            lane.waiting.clear();
            lane.kept.clear();
            self.open -= 1;
        }
    }

    /// Cancels a lane's tasks.
    pub(super) fn abort(&mut self, slot: u32) {
        if let Some(lane) = self.by_slot.get_mut(slot as usize).and_then(Option::take) {
            self.open -= usize::from(!lane.is_closed());
            // First, so that a task whose lower neighbour ends before it does not go on giving it values.
            lane.home.halt(i64::MIN);
            lane.host.abort();
        }
    }

    fn lane(&mut self, slot: u32) -> Option<&mut Lane> {
        lane_at(&mut self.by_slot, slot)
    }

    fn lane_of(&mut self, slot: u32, generation: u32) -> Option<&mut Lane> {
        self.lane(slot).filter(|lane| lane.home.generation == generation)
    }

    /// The poll thread has a run of records in hand that was fetched for a slot now; tells its generation.
    pub(super) fn take_in_hand(&mut self, slot: u32) -> Option<u32> {
        let lane = self.lane(slot)?;
        lane.in_hand += 1;
        Some(lane.home.generation)
    }

    /// The poll thread is done with a run: the records that it did not take wait.
    pub(super) fn put_down(&mut self, slot: u32, generation: u32, left: &[RecordRef<'_>]) {
        let Self { by_slot, busy, pool, .. } = self;
        let lane = lane_at(by_slot, slot).filter(|lane| lane.home.generation == generation);
        let Some(lane) = lane else { return };
        lane.in_hand -= 1;
        if !lane.is_closed() {
            lane.fetched = true;
            for record in left {
                lane.waiting.push(record, lane.reads, pool);
            }
            if !left.is_empty() {
                note_busy(lane, busy);
            }
        }
    }

    /// Begins a run of records that were just fetched, unless older ones wait.
    pub(super) fn begin_run(
        &mut self,
        slot: u32,
        generation: u32,
        fetched: &[RecordRef<'_>],
    ) -> Option<LaneRun> {
        self.lane_of(slot, generation)?;
        self.begin(slot, Some(fetched))
    }

    /// Begins a run of the records that wait.
    pub(super) fn begin_waiting(&mut self, slot: u32) -> Option<LaneRun> {
        self.begin(slot, None)
    }

    fn begin(&mut self, slot: u32, fetched: Option<&[RecordRef<'_>]>) -> Option<LaneRun> {
        let control = Arc::clone(&self.control);
        let lane = self.lane(slot).filter(|lane| lane.is_in() && !lane.home.is_halted())?;
        let (id, now) = ((slot, lane.home.generation), control.now());
        let leave = match fetched {
            Some(_) if !lane.waiting.is_empty() => None,
            Some(fetched) => {
                let look = |most| fetched.iter().take(most).copied().collect();
                control.core().begin_run(id, fetched.first()?.offset, look, now)
            }
            None => {
                let look = |most| lane.waiting.lend(slot, CHUNK.min(most));
                control.core().begin_run(id, lane.waiting.first()?, look, now)
            }
        }?;
        let EntryState::Open(entry) = std::mem::replace(&mut lane.entry, EntryState::Out) else {
            return None;
        };
        let waiting = std::mem::take(&mut lane.waiting);
        lane.out = waiting.bytes();
        Some(LaneRun { home: Arc::clone(&lane.home), entry, leave, waiting })
    }

    /// Takes the chain of a run back, with the waiting records that it did not take. A lane that was closed or opened anew meanwhile
    /// has no use for them.
    pub(super) fn take_back(&mut self, run: LaneRun) {
        let LaneRun { home, entry, waiting: mut left, .. } = run;
        let Some(lane) = self.lane_of(home.slot, home.generation) else { return };
        lane.out = 0;
        if let EntryState::Out = lane.entry {
            lane.entry = EntryState::Open(entry);
            let spent = left.take_spent();
            left.append(&mut lane.waiting);
            lane.waiting = left;
            self.pool.reclaim(spent);
        }
    }

    /// Keeps records that are fetched while the poll thread is held up.
    pub(super) fn keep(&mut self, records: &[RecordRef<'_>]) {
        let Self { by_slot, busy, pool, .. } = self;
        for record in records {
            let Some(lane) = lane_at(by_slot, record.slot).filter(|lane| !lane.is_closed()) else { continue };
            lane.fetched = true;
            lane.kept.push(record, lane.reads, pool);
            note_busy(lane, busy);
        }
    }

    /// Puts kept records behind those that wait already. Says in which slots records wait.
    pub(super) fn take_kept(&mut self, slots: &mut Vec<u32>) {
        slots.clear();
        for slot in &self.busy {
            let Some(lane) = lane_at(&mut self.by_slot, *slot) else { continue };
            lane.waiting.append(&mut lane.kept);
            if !lane.waiting.is_empty() {
                slots.push(*slot);
            }
        }
    }

    /// Whether records wait, and whether one of them could run.
    pub(super) fn waiting(&self) -> (bool, bool) {
        let core = self.control.core();
        let waiting = self.busy().filter(|lane| !lane.waiting.is_empty());
        waiting.fold((false, false), |(_, ready), lane| (true, ready || core.credit(lane.home.slot) > 0))
    }

    /// Whether so many records wait for every open lane.
    pub(super) fn all_wait(&self, enough: usize) -> bool {
        let full = |lane: &&Lane| !lane.is_closed() && lane.waiting.len() >= enough;
        self.busy.len() >= self.open && self.busy().filter(full).count() == self.open
    }

    /// Whether a run of one is out.
    pub(super) fn are_out(&self) -> bool {
        self.busy().any(|lane| matches!(lane.entry, EntryState::Out))
    }

    /// Whether the consumer's position is the lane's: it has taken all records that were fetched for it, in this assignment.
    pub(super) fn is_at_position(&self, slot: u32, now: Duration) -> bool {
        let lane = self.by_slot.get(slot as usize).and_then(Option::as_ref);
        lane.is_some_and(|lane| lane.is_idle() && (lane.fetched || now >= lane.opened + OLD_POSITION))
    }

    /// Whether a lane takes records, is fetched for and has none.
    pub(super) fn is_at_a_loss(&self, slot: u32) -> bool {
        let lane = self.by_slot.get(slot as usize).and_then(Option::as_ref);
        lane.is_some_and(Lane::is_at_a_loss)
    }

    /// The first record that waits in front of each partition.
    pub(super) fn first_waiting(&self) -> impl Iterator<Item = ((u32, u32), Option<i64>)> {
        self.by_slot.iter().flatten().filter(|lane| lane.is_in()).map(|lane| {
            let first = lane.waiting.first().or(lane.kept.first());
            ((lane.home.slot, lane.home.generation), first)
        })
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.busy().map(Lane::backlog).sum()
    }

    /// The slots in which records wait, or which are not fetched for, and whether they are.
    pub(super) fn slots_waiting(&self) -> impl Iterator<Item = (u32, bool)> {
        let waits = |lane: &&Lane| lane.paused || !lane.waiting.is_empty();
        self.busy().filter(waits).map(|lane| (lane.home.slot, !lane.paused))
    }

    /// The partitions to pause or resume, so that lanes with enough to do are not fetched for.
    pub(super) fn flow(&mut self) -> Flow {
        let mut flow = Flow::default();
        self.memory.set_waiting(self.busy().map(Lane::charge).sum());
        let free = self.memory.free();
        let Self { by_slot, busy, control, .. } = self;
        let core = control.core();
        busy.retain(|slot| {
            // A closed lane is over, and has no business any more.
            let Some(lane) = lane_at(by_slot, *slot).filter(|lane| !lane.is_closed()) else { return false };
            let own = lane.charge() + core.charge(*slot);
            let pauses = pauses(lane.paused, own, free);
            if pauses != lane.paused {
                lane.paused = pauses;
                let changed = if pauses { &mut flow.pause } else { &mut flow.resume };
                changed.push(lane.home.partition.clone());
            }
            lane.is_busy = lane.has_business();
            lane.is_busy
        });
        flow
    }
}

fn lane_at(by_slot: &mut [Option<Lane>], slot: u32) -> Option<&mut Lane> {
    by_slot.get_mut(slot as usize)?.as_mut()
}

/// Notes that there is something to look after.
fn note_busy(lane: &mut Lane, busy: &mut Vec<u32>) {
    if !std::mem::replace(&mut lane.is_busy, true) {
        busy.push(lane.home.slot);
    }
}
