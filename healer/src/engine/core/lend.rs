//! A chunk that is out: user code runs, and the core goes on without it.

use std::time::Duration;

use super::{Core, Part};
use crate::envelope::Settled;

/// A chunk of a partition that runs somewhere.
pub(super) struct Loan {
    /// Its first offset, which blocks until the running one is known.
    first: i64,
    /// Outcomes of its records that came home before it did: the ledger does not know them yet.
    early: Vec<Settled>,
}

impl Core {
    /// Lends a chunk that begins at `first` to the thread that runs it, and says whether it may run: not if this generation is
    /// over or closed, nor if the log went back. It ends with [`Event::Chunk`](super::Event::Chunk) of the same generation, also
    /// where nothing ran; until then the partition does not count as drained, and no position is believed.
    pub(crate) fn lend(&mut self, (slot, generation): (u32, u32), first: i64, now: Duration) -> bool {
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
        part.loan = Some(Loan { first, early: Vec::new() });
        part.look(&self.settings, now);
        true
    }
}

impl Part {
    pub(super) fn is_lent(&self) -> bool {
        self.loan.is_some()
    }

    /// The record of a lent chunk that runs now, as far as is known.
    pub(super) fn lent_at(&self) -> Option<i64> {
        self.loan.as_ref().map(|loan| self.home.running().unwrap_or(loan.first))
    }

    /// Keeps the outcome of a record that left a chunk which is still out; says whether it is one.
    pub(super) fn keep_early(&mut self, settled: &Settled) -> bool {
        let position = self.ledger.position();
        let loan = self.loan.as_mut().filter(|_| settled.offset >= position);
        loan.map(|loan| loan.early.push(*settled)).is_some()
    }

    /// The chunk is back; gives the outcomes that came home before it.
    pub(super) fn end_loan(&mut self) -> Vec<Settled> {
        self.home.set_running(None);
        self.loan.take().map(|loan| loan.early).unwrap_or_default()
    }
}
