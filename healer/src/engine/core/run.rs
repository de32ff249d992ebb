//! A run: some records of a partition are with the thread that runs them, and the core goes on without it.

use std::time::Duration;

use super::{Core, Part};
use crate::{
    broker::RecordRef,
    envelope::{Settled, fingerprint},
    lane::Credit,
};

/// A run of a partition that is out.
pub(super) struct OutRun {
    /// Its first offset, which blocks until the running one is known.
    first: i64,
    /// Outcomes of its records that came home before it did: the ledger does not know them yet.
    early: Vec<Settled>,
}

/// The leave to run records of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leave {
    /// How many of the records, at most.
    pub(crate) records: usize,
    /// How much may leave for tasks.
    pub(crate) credit: Credit,
    pub(crate) treatment: Treatment,
    /// Whether records of this partition are looked at before they run: the poll thread does that, and the next ones may be treated
    /// otherwise.
    pub(crate) is_careful: bool,
}

/// The way in which the records of a run are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// They go through the chain.
    Plain,
    /// The same, and the ledger knows them already.
    Delivered,
    /// An earlier owner did them: nothing runs.
    Done,
    /// They are older than the time that the partition was started by: nothing runs, and they are skipped.
    Older,
}

impl Treatment {
    /// Whether the ledger knows the records before they run.
    pub(crate) fn is_delivered(self) -> bool {
        matches!(self, Self::Delivered | Self::Done)
    }
}

impl Core {
    /// The leave to run the next records of a partition, of which `first` is the first and `look` gives the first so many. With it the
    /// run is out; it ends with [`Event::Chunk`](super::Event::Chunk) of the same generation, also where nothing ran. Until then
    /// the partition does not count as drained, and no position is believed.
    pub(crate) fn begin_run<'r>(
        &mut self,
        (slot, generation): (u32, u32),
        first: i64,
        look: impl FnOnce(usize) -> Vec<RecordRef<'r>>,
        now: Duration,
    ) -> Option<Leave> {
        let credit = self.grant(slot);
        // First, so that nothing is delivered to a partition that is on its way out.
        if credit.records == 0 || !self.may_run((slot, generation), first, now) {
            return None;
        }
        let part = self.parts.get_mut(&slot)?;
        let plain = Leave { records: usize::MAX, credit, treatment: Treatment::Plain, is_careful: false };
        if let Some(older) = part.older() {
            let records = look(usize::MAX);
            let is_older = records.first().is_some_and(|record| older.is(record));
            let alike = records.iter().take_while(|record| older.is(record) == is_older).count();
            let treatment = if is_older { Treatment::Older } else { Treatment::Plain };
            return Some(Leave { records: alike, treatment, is_careful: true, ..plain });
        }
        if part.ledger.has_claim()
            && let [record, ..] = look(1)[..]
        {
            if part.ledger.claim_to_verify() == Some(record.offset) {
                part.ledger.verify(record.offset, fingerprint(&record));
            }
            let treatment = match part.ledger.deliver_known(record.offset, record.leader_epoch) {
                Ok(healer_store::Delivered::AlreadyDone) => Treatment::Done,
                Ok(healer_store::Delivered::Fresh) => Treatment::Delivered,
                // The plain way says why the offset is refused.
                Err(_) => Treatment::Plain,
            };
            return Some(Leave { records: 1, credit: Credit::ONE, treatment, is_careful: true });
        }
        Some(plain)
    }

    /// Takes a run that begins at `first` as out, and says whether it may be: not if this generation is over or closed, nor if the log
    /// went back.
    pub(super) fn may_run(&mut self, (slot, generation): (u32, u32), first: i64, now: Duration) -> bool {
        let open = self.is_running();
        let part = self.parts.get_mut(&slot).filter(|part| part.home.generation == generation);
        let Some(part) = part.filter(|part| open && part.is_open()) else {
            return false;
        };
        // One below the position is a record that an earlier owner's claim was asked about and that is pending already.
        if first < part.ledger.position() - 1 {
            part.went_back(first);
            return false;
        }
        part.run = Some(OutRun { first, early: Vec::new() });
        part.look(&self.settings, now);
        true
    }
}

impl Part {
    pub(super) fn is_out(&self) -> bool {
        self.run.is_some()
    }

    /// The record of a run that runs now, as far as is known.
    pub(super) fn running_at(&self) -> Option<i64> {
        self.run.as_ref().map(|run| self.home.running().unwrap_or(run.first))
    }

    /// Keeps the outcome of a record that left a run which is still out; says whether it is one.
    pub(super) fn keep_early(&mut self, settled: &Settled) -> bool {
        let position = self.ledger.position();
        let run = self.run.as_mut().filter(|_| settled.offset >= position);
        run.map(|run| run.early.push(*settled)).is_some()
    }

    /// The run is back; gives the outcomes that came home before it.
    pub(super) fn end_run(&mut self) -> Vec<Settled> {
        self.home.set_running(None);
        self.run.take().map(|run| run.early).unwrap_or_default()
    }
}
