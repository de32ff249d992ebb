//! Which delivered offsets of a partition still owe an outcome, because one committed number cannot say it.
//!
//! A [`Ledger`] covers one partition in one generation. It is a state machine and nothing else: no I/O, no
//! clock, no thread. Work in order costs a few compares and no allocation; an outcome out of order costs
//! `O(log runs)`. Memory follows the number of runs of *pending* offsets: a million records done above one
//! that is stuck cost a few hundred bytes.
//!
//! ```
//! use healer_store::ledger::{Ledger, Run};
//!
//! let mut ledger = Ledger::new(1, 10);
//! ledger.deliver_run(10, 15)?;
//! ledger.settle(1, 12)?;
//! assert_eq!(ledger.frontier(), 10); // 10 and 11 are still pending: 10 may be committed
//! assert_eq!(ledger.done_above().collect::<Vec<_>>(), [Run::new(12, 13)]);
//! ledger.settle_run(1, 10, 12)?;
//! assert_eq!(ledger.frontier(), 13);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claim;
mod done;
mod error;
mod pending;
mod run;

pub use claim::DoneAbove;
pub use error::{DeliverError, SettleError};
pub use run::Run;

use claim::Claim;
use pending::Pending;

/// Whether a delivered record still has to be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a record that is `Fresh` is pending and must be processed"]
pub enum Delivered {
    /// The record is pending now.
    Fresh,
    /// An earlier owner finished the record, which was proven: it counts as delivered and done.
    AlreadyDone,
}

/// The pending offsets of one partition in one generation.
///
/// Offsets that the log skipped (compaction, transaction markers, aborted transactions) never block: they
/// count as done, since no record can ever appear there in this epoch. So a caller that *jumps* on purpose (a seek,
/// a reset) must open a new ledger instead of delivering the far offset to this one.
#[derive(Clone, Debug)]
pub struct Ledger {
    generation: u32,
    next: i64,
    leader_epoch: Option<i32>,
    pending: Pending,
    claim: Option<Box<Claim>>,
}

impl Ledger {
    /// An empty ledger of `generation` whose first record is expected at offset `start` or above.
    pub fn new(generation: u32, start: i64) -> Self {
        Self { generation, next: start, leader_epoch: None, pending: Pending::default(), claim: None }
    }

    /// A ledger that also knows the offsets that an earlier owner claims to have done above the frontier.
    ///
    /// Nothing is believed before [`verify`](Self::verify). A claim about another frontier than `start`, or one
    /// whose runs do not ascend above it, is dropped at once: its records are processed again.
    pub fn resume(generation: u32, start: i64, done: DoneAbove) -> Self {
        Self { claim: Claim::new(start, done), ..Self::new(generation, start) }
    }

    /// Takes in one record, which is pending from now on.
    ///
    /// An offset above the expected one is a gap in the log and is fine.
    ///
    /// # Errors
    ///
    /// [`DeliverError::Regressed`] if `offset` lies below the expected one; nothing is changed.
    #[inline]
    pub fn deliver(&mut self, offset: i64) -> Result<(), DeliverError> {
        self.deliver_run(offset, offset.saturating_add(1))
    }

    /// Takes in a record for every offset of `[first, end)`, all pending from now on.
    ///
    /// # Errors
    ///
    /// [`DeliverError::Regressed`] if `first` lies below the expected offset, [`DeliverError::EmptyRun`] if
    /// `end <= first`; nothing is changed.
    #[inline]
    pub fn deliver_run(&mut self, first: i64, end: i64) -> Result<(), DeliverError> {
        if first < self.next {
            return Err(DeliverError::Regressed { expected: self.next, got: first });
        }
        if end <= first {
            return Err(DeliverError::EmptyRun { first, end });
        }
        self.pending.push(Run::new(first, end));
        self.next = end;
        Ok(())
    }

    /// Like [`deliver`](Self::deliver), but says of a record whether a verified claim has it as done.
    ///
    /// Needed only while [`has_claim`](Self::has_claim); without a verified claim every record is fresh. A record of
    /// a leader epoch that the claim's owner never read was written later: it and all that follow are fresh.
    ///
    /// # Errors
    ///
    /// As [`deliver`](Self::deliver).
    pub fn deliver_known(
        &mut self,
        offset: i64,
        leader_epoch: Option<i32>,
    ) -> Result<Delivered, DeliverError> {
        self.read_epoch(leader_epoch);
        self.claim = self.claim.take().filter(|claim| claim.knows(leader_epoch));
        let known = self.claim.as_mut().is_some_and(|claim| claim.covers(offset));
        // The last offset of all has no successor to move the position to, so it is never taken as known.
        let delivered = if known && offset >= self.next && offset < i64::MAX {
            self.next = offset + 1;
            Delivered::AlreadyDone
        } else {
            self.deliver(offset)?;
            Delivered::Fresh
        };
        let next = self.next;
        self.claim = self.claim.take().filter(|claim| claim.is_verified() && !claim.is_spent(next));
        Ok(delivered)
    }

    /// Settles one pending record: it has its outcome.
    ///
    /// # Errors
    ///
    /// [`SettleError::Stale`] for an outcome of another generation, [`SettleError::NotPending`] if the offset
    /// was never delivered or is done already; nothing is changed.
    #[inline]
    pub fn settle(&mut self, generation: u32, offset: i64) -> Result<(), SettleError> {
        self.settle_run(generation, offset, offset.saturating_add(1))
    }

    /// Settles every record of `[first, end)`, all or none.
    ///
    /// Each offset of the run must be pending, so a run never spans a gap in the log nor anything that is
    /// done: settle in the same pieces as were delivered, or smaller ones.
    ///
    /// # Errors
    ///
    /// [`SettleError::Stale`] for another generation, [`SettleError::NotPending`] with the lowest offset that
    /// is not pending, [`SettleError::EmptyRun`] if `end <= first`; nothing is changed.
    #[inline]
    pub fn settle_run(&mut self, generation: u32, first: i64, end: i64) -> Result<(), SettleError> {
        if generation != self.generation {
            return Err(SettleError::Stale { current: self.generation, got: generation });
        }
        if end <= first {
            return Err(SettleError::EmptyRun { first, end });
        }
        self.pending.remove(Run::new(first, end)).map_err(|offset| SettleError::NotPending { offset })
    }

    /// Notes the leader epoch of the last record that was delivered; epochs never fall along a log.
    #[inline]
    pub fn read_epoch(&mut self, leader_epoch: Option<i32>) {
        self.leader_epoch = self.leader_epoch.max(leader_epoch);
    }

    /// The highest leader epoch of the records in [`done_above`](Self::done_above); `None` where the broker tells none.
    pub fn leader_epoch(&self) -> Option<i32> {
        let claim = self.claim.as_ref().filter(|claim| claim.is_verified() && !claim.is_spent(self.next));
        self.leader_epoch.max(claim.and_then(|claim| claim.done().leader_epoch))
    }

    /// Notes that the consumer's position moved on without a record (transaction markers, gaps).
    ///
    /// Only ever raises the position; a lower one is ignored.
    pub fn advance(&mut self, position: i64) {
        self.next = self.next.max(position);
    }

    /// The offset that may be committed: the lowest delivered one that is pending, else the position.
    #[inline]
    pub fn frontier(&self) -> i64 {
        self.pending.first().unwrap_or(self.next)
    }

    /// The lowest offset that can be delivered next.
    #[inline]
    pub fn position(&self) -> i64 {
        self.next
    }

    /// How many records are pending.
    #[inline]
    pub fn pending(&self) -> u64 {
        self.pending.count()
    }

    /// The lowest pending offset: the one that holds the frontier.
    #[inline]
    pub fn first_pending(&self) -> Option<i64> {
        self.pending.first()
    }

    /// The runs of pending offsets, ascending.
    pub fn pending_runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.pending.runs()
    }

    /// The generation that this ledger belongs to.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The bytes that the ledger occupies, inline and on the heap; the heap part is an upper bound.
    pub fn size_in_bytes(&self) -> usize {
        let claim = self.claim.as_ref().map_or(0, |claim| claim.heap_bytes());
        size_of::<Self>() + self.pending.heap_bytes() + claim
    }

    /// True while a claim waits to be verified or still covers offsets to come.
    ///
    /// While true, deliver with [`deliver_known`](Self::deliver_known); afterwards the plain calls do.
    pub fn has_claim(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| {
            if claim.is_verified() { !claim.is_spent(self.next) } else { self.next == claim.done().frontier }
        })
    }

    /// The offset whose record must be shown to [`verify`](Self::verify) before it is delivered.
    pub fn claim_to_verify(&self) -> Option<i64> {
        self.unverified().map(|done| done.frontier)
    }

    /// The claim as it came, while it still waits to be verified, to be carried over to the next owner.
    pub fn unverified(&self) -> Option<&DoneAbove> {
        // Once anything else was delivered the frontier's record cannot come any more.
        self.claim
            .as_ref()
            .filter(|claim| !claim.is_verified() && self.next == claim.done().frontier)
            .map(|claim| claim.done())
    }

    /// Compares the first record that arrives with the claim, and says whether the claim now holds.
    ///
    /// Call it with that record's offset and fingerprint, before delivering it. Another offset than the
    /// frontier, or another fingerprint, throws the claim away: everything is processed again.
    pub fn verify(&mut self, offset: i64, fingerprint: u64) -> bool {
        if self.claim.as_ref().is_some_and(|claim| claim.is_verified()) {
            return true;
        }
        let live = self.claim_to_verify().is_some();
        self.claim = self.claim.take().filter(|_| live);
        let held = self.claim.as_mut().is_some_and(|claim| claim.verify(offset, fingerprint));
        if !held {
            self.claim = None;
        }
        held
    }
}
