//! Where receipts come home to: one desk a pipeline, one home a partition and generation.
//!
//! **Wake-ups by outcomes.** The poll thread rests while no partition has room, and is woken when an eighth of the records that
//! may be in flight (128 at most) has come home, or with a failure, or when a partition need not rest any more (`Desk`): woken
//! for each, it would take the processor from the threads that work.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use super::{
    Outcome,
    places::{InFlight, InFlightTable},
    rests::Rests,
};
use crate::{broker::TopicPartition, error::Failure, record::emit_id, topology::Copies};

/// An outcome on its way to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) offset: i64,
    pub(crate) outcome: Outcome,
    /// Its [`Home::charge`].
    pub(crate) charge: u32,
}

/// The bytes of a record in flight beside its own: its envelope, its place, its place in a queue.
pub(crate) const RECORD: u64 = 256;

#[derive(Default)]
struct Tray {
    settled: Vec<Settled>,
    failures: Vec<Failure>,
    /// Something else is to be looked after.
    nudged: bool,
}

/// Outcomes and failures that the engine has not seen yet.
pub(crate) struct Desk {
    tray: Mutex<Tray>,
    arrived: Condvar,
    /// How many outcomes are worth a look.
    batch: usize,
    pub(crate) rests: Arc<Rests>,
}

/// The most outcomes that wait for a look together.
const BATCH: usize = 128;

impl Default for Desk {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Desk {
    /// A desk for partitions with so many records in flight. The waiting thread is woken when an eighth of them came home: to
    /// wake it for each would take the processor from the tasks, and so many free places are no reason to hurry.
    pub(crate) fn new(in_flight: usize) -> Self {
        Self {
            tray: Mutex::default(),
            arrived: Condvar::new(),
            batch: (in_flight / 8).clamp(1, BATCH),
            rests: Arc::default(),
        }
    }

    fn tray(&self) -> MutexGuard<'_, Tray> {
        // A panic while the lock is held can only be an allocation failure: the tray's contents are whole.
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes outcomes in.
    pub(super) fn settle(&self, outcomes: &[Settled]) {
        let mut tray = self.tray();
        let before = tray.settled.len();
        tray.settled.extend_from_slice(outcomes);
        if before < self.batch && tray.settled.len() >= self.batch {
            self.arrived.notify_one();
        }
    }

    pub(crate) fn fail(&self, failure: Failure) {
        self.tray().failures.push(failure);
        self.arrived.notify_one();
    }

    /// Moves the outcomes that arrived into `settled`, whose buffer takes the old one's place, and gives the failures.
    pub(crate) fn collect(&self, settled: &mut Vec<Settled>) -> Vec<Failure> {
        settled.clear();
        let mut tray = self.tray();
        std::mem::swap(&mut tray.settled, settled);
        std::mem::take(&mut tray.failures)
    }

    /// Shows the outcomes that arrived and leaves them there.
    #[cfg(feature = "testing")]
    pub(crate) fn peek(&self, show: impl FnMut(&Settled)) {
        self.tray().settled.iter().for_each(show);
    }

    /// Waits until something is worth a look, at most `wait`.
    pub(crate) fn wait(&self, wait: Duration) {
        let tray = self.tray();
        let idle =
            |tray: &mut Tray| !tray.nudged && tray.settled.len() < self.batch && tray.failures.is_empty();
        let waited = self.arrived.wait_timeout_while(tray, wait, idle);
        let (mut tray, _) = waited.unwrap_or_else(PoisonError::into_inner);
        tray.nudged = false;
    }

    /// Ends a [`wait`](Self::wait) early, also one that begins after this.
    pub(crate) fn nudge(&self) {
        self.tray().nudged = true;
        self.arrived.notify_one();
    }
}

/// A partition in one generation, as receipts know it.
pub(crate) struct Home {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) partition: TopicPartition,
    /// The number of the source that reads it.
    source: u32,
    copies: Copies,
    desk: Arc<Desk>,
    places: Mutex<InFlightTable>,
    /// The charges of all records that ever left the poll thread.
    entered: AtomicU64,
    /// The lowest offset that failed.
    halted: AtomicI64,
    /// The record whose visit runs; `i64::MIN` where none does.
    running: AtomicI64,
    fenced: AtomicBool,
    /// Records wait for memory, and nothing comes home.
    starved: AtomicBool,
    /// How many things it rests for.
    holds: AtomicUsize,
}

impl Home {
    /// Until when a record rests since its stage's rate says so; known while it does, and while the call after that runs.
    pub(crate) fn rests_until(&self, offset: i64) -> Option<Duration> {
        let TopicPartition { topic, partition } = &self.partition;
        self.desk.rests.until(topic, *partition, offset)
    }

    pub(crate) fn new(slot: u32, generation: u32, partition: TopicPartition, desk: Arc<Desk>) -> Self {
        Self {
            slot,
            generation,
            partition,
            source: 0,
            copies: Copies::ONE,
            desk,
            places: Mutex::default(),
            entered: AtomicU64::new(0),
            halted: AtomicI64::new(i64::MAX),
            running: AtomicI64::new(i64::MIN),
            fenced: AtomicBool::default(),
            starved: AtomicBool::default(),
            holds: AtomicUsize::new(0),
        }
    }

    /// Notes which source reads it.
    pub(crate) fn read_by(mut self, source: u32) -> Self {
        self.source = source;
        self
    }

    /// Notes the copies of its records in flight.
    pub(crate) fn keeping(mut self, copies: Copies) -> Self {
        self.copies = copies;
        self
    }

    pub(crate) fn copies(&self) -> Copies {
        self.copies
    }

    /// The bytes of a record of such a size until it is done, in all its copies.
    pub(crate) fn charge(&self, bytes: usize) -> u32 {
        let bytes = (bytes as u64).saturating_mul(self.copies.count());
        u32::try_from(bytes.saturating_add(RECORD)).unwrap_or(u32::MAX)
    }

    /// The charges of all records that ever left the poll thread. Less those that came home, it is the bytes in flight.
    pub(crate) fn entered(&self) -> u64 {
        self.entered.load(Ordering::Relaxed)
    }

    /// The number of the source that reads it.
    pub(crate) fn source(&self) -> u32 {
        self.source
    }

    /// The node that a record is at: the source's while it is on the poll thread.
    pub(crate) fn node(&self, offset: i64) -> u32 {
        self.place(offset).map_or(self.source, |place| place.node())
    }

    fn places(&self) -> MutexGuard<'_, InFlightTable> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, place: InFlight) -> Arc<InFlight> {
        let mut places = self.places();
        // Behind the lock, so nobody else adds.
        let entered = self.entered.load(Ordering::Relaxed) + u64::from(place.charge);
        self.entered.store(entered, Ordering::Relaxed);
        places.enter(place)
    }

    /// Where a pending record is; `None` while it is on the poll thread.
    pub(crate) fn place(&self, offset: i64) -> Option<Arc<InFlight>> {
        self.places().of(offset)
    }

    /// The identity of a record that left the poll thread.
    pub(crate) fn emit_id(&self, offset: i64) -> Option<Uuid> {
        let TopicPartition { topic, partition } = &self.partition;
        self.place(offset).map(|place| emit_id(topic, *partition, offset, place.timestamp()))
    }

    /// Counts the records that left the poll thread, by the node that each is at. One that went several ways is where it was
    /// seen last.
    pub(crate) fn count_by_node(&self, nodes: &mut BTreeMap<u32, u64>) {
        self.places().nodes().for_each(|node| *nodes.entry(node).or_default() += 1);
    }

    /// Forgets where the lowest records were that are done.
    pub(crate) fn tidy(&self) {
        self.places().tidy();
    }

    /// Notes which record's visit runs: the name of the record that blocks while a chunk is out.
    #[inline]
    pub(crate) fn set_running(&self, offset: Option<i64>) {
        self.running.store(offset.unwrap_or(i64::MIN), Ordering::Relaxed);
    }

    /// The record whose visit runs.
    pub(crate) fn running(&self) -> Option<i64> {
        Some(self.running.load(Ordering::Relaxed)).filter(|offset| *offset != i64::MIN)
    }

    /// The outcome of a record, for the desk.
    pub(super) fn settled(&self, place: &InFlight, outcome: Outcome) -> Settled {
        // A returned record keeps its place, so that the error can name the stage that lost it.
        if outcome != Outcome::Returned {
            place.end();
        }
        let InFlight { offset, charge, .. } = *place;
        Settled { slot: self.slot, generation: self.generation, offset, outcome, charge }
    }

    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The record at `offset` failed: from now on waiting records from there on are returned instead of run. Records before it may
    /// still end, so that a restart begins with it.
    pub(crate) fn halt(&self, offset: i64) {
        self.halted.fetch_min(offset, Ordering::Release);
    }

    /// No further record is begun, until it is let go as often.
    pub(super) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn let_go(&self) {
        if self.holds.fetch_sub(1, Ordering::Release) == 1 {
            self.desk.nudge();
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::Acquire) > 0
    }

    /// The partition is somebody else's: outcomes of this generation change nothing any more.
    pub(crate) fn fence(&self) {
        self.fenced.store(true, Ordering::Release);
        self.halt(i64::MIN);
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Whether its records wait for memory that only its own records in flight can give back.
    pub(crate) fn set_starved(&self, starved: bool) {
        self.starved.store(starved, Ordering::Relaxed);
    }

    pub(super) fn is_starved(&self) -> bool {
        self.starved.load(Ordering::Relaxed)
    }

    /// Whether no further record is dispatched.
    #[inline]
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed) != i64::MAX
    }

    /// Whether a record that was dispatched is returned instead of run.
    pub(super) fn is_halted_at(&self, offset: i64) -> bool {
        self.halted.load(Ordering::Relaxed) <= offset
    }
}
