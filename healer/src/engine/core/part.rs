//! One partition in one generation.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use healer_store::Ledger;

use super::{Older, Start, epoch::Rewind, memory::Charge, run::OutRun, transaction::Transaction};
use crate::{
    envelope::Home,
    lane::{ChunkLog, LaneState},
};

/// The core's state of a partition.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(crate) struct Part {
    pub(crate) home: Arc<Home>,
    pub(crate) ledger: Ledger,
    /// Where it started.
    pub(super) start: i64,
    /// The number in its commits and snapshots; see [`Start::lineage`].
    pub(crate) lineage: u64,
    /// The memory of its nodes.
    pub(crate) state: Arc<LaneState>,
    /// The group's commit has it as well.
    pub(super) is_known: bool,
    /// The committed offset: as the broker acknowledged it last, or as it was when the partition was assigned.
    pub(super) committed: Option<i64>,
    /// How many offsets above it the group knows to be done.
    pub(super) committed_above: u64,
    /// The start itself is to be committed: `latest` or `time` chose it.
    pub(super) commit_start: bool,
    /// The broker does not know the topic (any more): nothing is committed until then.
    pub(super) gone_until: Option<Duration>,
    /// The offset that was saved last.
    pub(super) saved: Option<(i64, i64)>,
    /// The lowest pending offset and since when it is that.
    pub(super) blocked: Option<(i64, Duration)>,
    /// Until when the lowest pending one rested since its user wants that.
    pub(super) rested: Duration,
    /// The offset that was told to block for too long.
    pub(super) stalled: Option<i64>,
    /// The first of the records that wait in front of the partition.
    pub(super) waiting: Option<i64>,
    /// The offsets done above the frontier have no room in the commit: no new records begin.
    pub(super) throttled: bool,
    /// The first record that came back without an outcome, and when.
    pub(super) returned: Option<(i64, Duration)>,
    /// All that came back, each once: a record that failed on the poll thread may have shares that come back later.
    returns: BTreeSet<i64>,
    open: bool,
    pub(super) run: Option<OutRun>,
    /// The bytes of its records in flight.
    pub(super) charge: Charge,
    /// The log went back.
    pub(super) rewind: Option<Rewind>,
    /// How often records vanished before they were done.
    pub(super) data_losses: u64,
    /// The user wants nothing more of it to begin.
    pub(super) paused: bool,
    /// Where its log ended when that was looked up last.
    pub(super) log_end: Option<i64>,
    /// The records that are skipped since they are older than the time that the start was chosen by.
    older: Option<Older>,
    /// The open transaction that readers of committed records come no further than.
    pub(super) transaction: Option<Transaction>,
    /// The end offset that a run to the end waits for; `None` where it is reached or nobody waits.
    pub(super) end: Option<i64>,
}

impl Part {
    pub(super) fn new(
        home: Arc<Home>,
        state: Arc<LaneState>,
        ledger: Ledger,
        start: &Start,
        fresh: u64,
    ) -> Self {
        Self {
            home,
            ledger,
            start: start.offset,
            lineage: start.lineage.unwrap_or(fresh),
            state,
            is_known: start.lineage.is_some(),
            committed: start.committed,
            committed_above: 0,
            commit_start: start.commit,
            gone_until: None,
            saved: None,
            blocked: None,
            rested: Duration::ZERO,
            stalled: None,
            waiting: None,
            throttled: false,
            returned: None,
            returns: BTreeSet::new(),
            open: true,
            run: None,
            charge: Charge::default(),
            rewind: None,
            data_losses: 0,
            paused: false,
            log_end: None,
            older: None,
            transaction: None,
            end: None,
        }
    }

    /// The offset that it started at.
    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    /// The committed offset: as the broker acknowledged it last, or as it was when the partition was assigned.
    pub(crate) fn committed(&self) -> Option<i64> {
        self.committed
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// No more records are dispatched.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// A record came back without an outcome.
    pub(super) fn returned(&mut self, offset: i64, now: Duration) {
        self.returns.insert(offset);
        self.returned.get_or_insert((offset, now));
    }

    pub(super) fn skip_older(&mut self, older: Option<Older>) {
        self.older = older;
    }

    /// The records to skip among those that come next.
    pub(crate) fn older(&self) -> Option<Older> {
        self.older.filter(|older| self.ledger.position() < older.below)
    }

    /// Whether no records are in flight but those that came back.
    pub(super) fn is_drained(&self) -> bool {
        !self.is_out() && self.ledger.pending() <= self.returns.len() as u64
    }

    /// Whether something is in flight or on the poll thread.
    pub(super) fn is_busy(&self) -> bool {
        self.is_out() || self.ledger.pending() > 0
    }

    /// How many offsets below `start` are not done.
    pub(super) fn unread_below(&self, start: i64) -> u64 {
        let pending =
            self.ledger.pending_runs().map(|run| healer_store::Run::new(run.first, run.end.min(start)).len());
        pending.sum::<u64>() + healer_store::Run::new(self.ledger.position(), start).len()
    }

    /// Takes in the log of a chunk. Once the offsets went back, the rest of the log does not enter the ledger.
    pub(super) fn take_chunk(&mut self, log: &ChunkLog, leader_epoch: Option<i32>, delivered: bool) {
        if !delivered {
            self.ledger.read_epoch(leader_epoch);
        }
        let generation = self.ledger.generation();
        for run in &log.runs {
            if !delivered && self.ledger.deliver_run(run.first, run.end).is_err() {
                return self.went_back(run.first);
            }
            if run.done && self.ledger.settle_run(generation, run.first, run.end).is_err() {
                // Nobody else can settle a record that never left the poll thread.
                debug_assert!(false, "a fused record was settled twice");
            }
        }
        // A record that failed on the poll thread never had a receipt to come back.
        let failed = log.runs.last().filter(|_| log.failure.is_some());
        self.returns.extend(failed.map(|run| run.end - 1));
    }
}
