//! A chain from its source on, erased: the records of a chunk run through its fused nodes one after the other.
//!
//! **Fused path.** A chunk (up to 512 records, or 10 ms) runs straight over the payloads that the broker lends. Its result is a
//! list of runs (`first..end`, done or moved), so the ledger is told by run. No allocation of ours, lock or atomic per record.

use std::{mem::ManuallyDrop, sync::Arc, time::Instant};

use super::boundary::push_guarded;
use crate::{
    broker::RecordRef,
    chain::{Branch, Chain, Checked, Consumer, Healed, Raw},
    context::Context,
    envelope::Home,
    lane::{ChunkLog, Credit, End, Entry, EntryLane, Host, Obligation, Visit, stack::with_stack},
    observe::{self, Inside, Trace, TracedSource, Watch},
    topology::Node,
};

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
    /// The stack that a record takes on its way, in bytes.
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
            let obligation = Obligation::Fresh { home: &self.home, record };
            // `finish` ends the visit in any case: nothing is left to drop then, and to check that would cost.
            let mut visit = ManuallyDrop::new(Visit::hosted(&self.host, obligation, &mut self.context, 0));
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
