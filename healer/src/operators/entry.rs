//! A chain from its source on, erased: a chunk of one partition runs through its fused nodes in one dynamic call.

use std::{
    mem::ManuallyDrop,
    sync::Arc,
    time::{Duration, Instant},
};

use super::boundary::push_guarded;
use crate::{
    broker::RecordRef,
    context::Context,
    engine::Host,
    envelope::{Claim, End, Home, Outcome, Reason, Visit},
    error::Failure,
    observe::{self, Inside, Trace, TracedSource, Watch},
    stream::{Branch, Chain, Checked, Consumer, Healed, Raw, stack::with_stack},
    topology::Node,
};

/// A run of neighbouring offsets of a chunk that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: i64,
    pub(crate) end: i64,
    /// Whether they are done; else they moved on, or failed.
    pub(crate) done: bool,
}

/// How much may leave for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) records: u64,
    /// The last of them may go beyond.
    pub(crate) bytes: u64,
}

impl Credit {
    /// For one record, however large.
    pub(crate) const ONE: Self = Self { records: 1, bytes: u64::MAX };
}

/// What a chunk of one partition came to.
#[derive(Debug, Default)]
pub(crate) struct ChunkLog {
    pub(crate) runs: Vec<Run>,
    pub(crate) healed: u64,
    pub(crate) skipped: Vec<(Reason, u64)>,
    pub(crate) moved: u64,
    /// The charges of those that moved on.
    pub(crate) moved_bytes: u64,
    pub(crate) failure: Option<Failure>,
}

impl ChunkLog {
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.skipped.clear();
        (self.healed, self.moved, self.moved_bytes) = (0, 0, 0);
        self.failure = None;
    }

    #[inline]
    fn add(&mut self, offset: i64, done: bool) {
        match self.runs.last_mut() {
            Some(run) if run.end == offset && run.done == done => run.end += 1,
            _ => self.runs.push(Run { first: offset, end: offset + 1, done }),
        }
    }

    /// A record that no node sees.
    pub(crate) fn skip(&mut self, offset: i64, reason: Reason) {
        self.add(offset, true);
        self.settled(Outcome::Skipped(reason));
    }

    #[inline]
    fn settled(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Healed => self.healed += 1,
            Outcome::Skipped(reason) => match self.skipped.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => self.skipped.push((reason, 1)),
            },
            // The poll thread waits for no acknowledgement.
            Outcome::DeadLettered | Outcome::Returned => {}
        }
    }
}

/// A chain from a source on, erased: one dynamic call a chunk.
pub(crate) trait Entry: Send + Sync {
    fn open(&self, host: &Host, home: Arc<Home>) -> Box<dyn EntryLane>;
}

/// A partition's lane through a whole chain.
pub(crate) trait EntryLane: Send {
    /// Whether a node of the chain reads headers, dead letters are made of its records, or these are traced.
    fn reads(&self) -> bool;

    /// Runs records until one fails or the partition is to rest, `credit` has left for tasks, or it is time; says how many it took.
    fn run(
        &mut self,
        records: &[RecordRef<'_>],
        credit: Credit,
        until: Option<Instant>,
        log: &mut ChunkLog,
    ) -> usize;
}

/// Erases a healed chain.
pub(crate) trait MakeEntry {
    fn into_entry(self) -> (Arc<dyn Entry>, Vec<Arc<Node>>);
}

impl<B: Branch> MakeEntry for B {
    fn into_entry(self) -> (Arc<dyn Entry>, Vec<Arc<Node>>) {
        let Healed { chain, nodes, .. } = self.finish();
        (
            Arc::new(EntryOf(Arc::new(Checked::<_, <B::Chain as Chain>::In>::new(chain.into_consumer())))),
            nodes,
        )
    }
}

struct EntryOf<D>(Arc<D>);

impl<D: Consumer<Raw>> Entry for EntryOf<D> {
    fn open(&self, host: &Host, home: Arc<Home>) -> Box<dyn EntryLane> {
        let context = Context::reusable(Arc::clone(&home.partition.topic), home.partition.partition);
        let traces = host.traces().source(host.nodes().path(home.source()), &home.partition);
        let below = self.0.below();
        Box::new(LaneOf {
            lane: self.0.open(host),
            stack: below.stack,
            reads: below.reads || host.nodes().keeps_originals(home.source()) || traces.reads_headers(),
            chain: Arc::clone(&self.0),
            context,
            home,
            host: host.clone(),
            traces,
        })
    }
}

struct LaneOf<D: Consumer<Raw>> {
    chain: Arc<D>,
    lane: D::Lane,
    context: Context,
    home: Arc<Home>,
    host: Host,
    /// Whether headers must come along with records that wait.
    reads: bool,
    /// What a record takes on its way, in bytes.
    stack: usize,
    traces: TracedSource,
}

/// How many records run between two looks at the clock.
const CLOCK: usize = 16;

impl<D: Consumer<Raw>> EntryLane for LaneOf<D> {
    fn reads(&self) -> bool {
        self.reads
    }

    fn run(
        &mut self,
        records: &[RecordRef<'_>],
        credit: Credit,
        until: Option<Instant>,
        log: &mut ChunkLog,
    ) -> usize {
        let traced = self.traces.is_on();
        // Once a chunk, for all that its records need down to the next boundaries.
        let taken = with_stack(self.stack, || self.run_all(records, credit, until, log, traced));
        if traced {
            // That of the last one: the lane may rest for long.
            self.context.set_trace(Trace::NONE);
        }
        taken
    }
}

impl<D: Consumer<Raw>> LaneOf<D> {
    #[inline]
    fn run_all(
        &mut self,
        records: &[RecordRef<'_>],
        credit: Credit,
        until: Option<Instant>,
        log: &mut ChunkLog,
        traced: bool,
    ) -> usize {
        let _inside = Inside::of_none();
        let logged = observe::logs_data();
        let measured = self.host.measures().is_due();
        let mut watch = Watch::new(measured, logged);
        let mut most = credit.records;
        if log.moved_bytes >= credit.bytes {
            return 0;
        }
        let late = || until.is_some_and(|until| Instant::now() >= until);
        for (taken, record) in records.iter().enumerate() {
            if log.moved >= most || (taken % CLOCK == CLOCK - 1 && late()) {
                return taken;
            }
            self.home.set_running(Some(record.offset));
            self.context.refill(record);
            self.context.set_watch(watch);
            if traced {
                // The one before ends before this one begins.
                self.context.set_trace(Trace::NONE);
                self.context.set_trace(self.traces.begin(record));
            }
            watch = Watch::new(false, logged);
            observe::set(self.context.here());
            let claim = Claim::Fresh { home: &self.home, record };
            // It ends below, whatever its nodes do: there is nothing to drop then, and to find that out would cost.
            let mut visit = ManuallyDrop::new(Visit::hosted(&self.host, claim, &mut self.context, 0));
            let result = push_guarded(&*self.chain, &mut self.lane, &mut visit, Raw);
            match visit.finish(result) {
                End::Settled(outcome) => {
                    log.settled(outcome);
                    log.add(record.offset, true);
                }
                End::Moved => {
                    log.moved += 1;
                    log.moved_bytes += u64::from(self.home.charge(record.bytes()));
                    if log.moved_bytes >= credit.bytes {
                        most = log.moved;
                    }
                    log.add(record.offset, false);
                    // Its dead letter is on its way.
                    if self.home.is_held() {
                        return taken + 1;
                    }
                }
                End::Failed(failure, _) => {
                    log.add(record.offset, false);
                    log.failure = Some(failure);
                    return taken + 1;
                }
            }
        }
        records.len()
    }
}

/// How long a chunk may run before the poll thread looks at its other work.
pub(crate) const CHUNK_TIME: Duration = Duration::from_millis(10);
