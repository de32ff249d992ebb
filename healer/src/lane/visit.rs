//! One item's way through a run of fused nodes: the outcome that it owes, and how it ended.

use std::sync::Arc;

use super::Host;
use crate::{
    broker::RecordRef,
    context::Context,
    envelope::{Home, Outcome, Reason, Receipt, Shares},
    error::{Cause, Failure, RowRange},
    observe,
};

/// The passage of one item through the nodes of a segment. Opaque: only healer's own nodes can end it or take its receipt.
pub struct Visit<'r> {
    pub(crate) context: &'r mut Context,
    /// Knows the failure policies of the nodes; without a host every failure stops the pipeline.
    pub(crate) host: Option<&'r Host>,
    /// The raw record, where this is the poll thread.
    record: Option<&'r RecordRef<'r>>,
    obligation: Obligation<'r>,
    /// How many nodes above gave the item to several ways.
    sharing: u32,
    /// The node that runs now, for the error after a panic.
    at: u32,
    /// Whether a dead letter of the record is on its way.
    is_buried: bool,
    /// The highest outcome so far.
    outcome: Option<Outcome>,
}

/// The form in which the outcome of the item is owed.
pub(crate) enum Obligation<'r> {
    /// A record on the poll thread: owed by the chunk, no receipt exists yet.
    Fresh { home: &'r Arc<Home>, record: &'r RecordRef<'r> },
    /// An item that came through a boundary: owed by its receipt.
    Held(Receipt),
    /// Shares of it went on, this end still holds its own: one a row.
    Split(Shares),
    /// It went on whole.
    Gone,
}

impl Obligation<'_> {
    /// Whether all that is owed is somebody else's by now.
    pub(crate) fn is_fenced(&self) -> bool {
        match self {
            Obligation::Held(receipt) => receipt.is_fenced(),
            Obligation::Split(shares) => shares.is_fenced(),
            // The poll thread runs nothing of a generation that is over.
            Obligation::Fresh { .. } | Obligation::Gone => false,
        }
    }

    /// The records that it owes, of a batch.
    fn rows(&self) -> Vec<RowRange> {
        let mut records = Vec::new();
        let mut add = |home: &Arc<Home>, offset: i64| {
            records.push((Arc::clone(&home.partition.topic), home.partition.partition, offset));
        };
        match self {
            Obligation::Held(receipt) => receipt.each_home(&mut add),
            Obligation::Split(shares) => shares.each_home(&mut add),
            Obligation::Fresh { home, record } => add(home, record.offset),
            Obligation::Gone => {}
        }
        RowRange::of(records)
    }
}

/// How a visit ended.
pub(crate) enum End<'r> {
    /// Here, with this outcome.
    Settled(Outcome),
    /// Something below holds the receipt, or a share of it.
    Moved,
    /// With an error, and the obligation. The obligation's records are pending again once it is dropped, after the error was told: a
    /// record that is returned without a word is taken for lost.
    Failed(Failure, Obligation<'r>),
}

impl<'r> Visit<'r> {
    #[inline]
    pub(crate) fn new(obligation: Obligation<'r>, context: &'r mut Context, at: u32) -> Self {
        let record = match &obligation {
            Obligation::Fresh { record, .. } => Some(*record),
            _ => None,
        };
        Self { context, host: None, record, obligation, sharing: 0, at, is_buried: false, outcome: None }
    }

    /// The raw record, where this is the poll thread.
    #[inline]
    pub(crate) fn record(&self) -> Option<&'r RecordRef<'r>> {
        self.record
    }

    /// The item comes to a node.
    #[inline]
    pub(crate) fn enter(&mut self, node: u32) {
        self.enter_with(node, 1);
    }

    /// As [`enter`](Self::enter), with so many records.
    #[inline]
    pub(crate) fn enter_with(&mut self, node: u32, records: u64) {
        self.at(node);
        if let Some(host) = self.host {
            host.counts().take(node, records);
        }
    }

    /// The item is at a node that it has come to before.
    #[inline]
    pub(crate) fn at(&mut self, node: u32) {
        self.at = node;
        observe::at(node);
    }

    /// The node where the item is passes it on.
    #[inline]
    pub(crate) fn give(&self) {
        if let Some(host) = self.host {
            host.counts().give(self.at, 1);
        }
    }

    pub(crate) fn node(&self) -> u32 {
        self.at
    }

    /// As [`new`](Self::new), where failures follow the policies of the pipeline.
    #[inline]
    pub(crate) fn hosted(
        host: &'r Host,
        obligation: Obligation<'r>,
        context: &'r mut Context,
        at: u32,
    ) -> Self {
        Self { host: Some(host), ..Self::new(obligation, context, at) }
    }

    /// The record becomes a dead letter; says whether it was to be one already.
    pub(crate) fn bury(&mut self) -> bool {
        std::mem::replace(&mut self.is_buried, true)
    }

    #[inline]
    pub(crate) fn heal(&mut self) {
        self.end(Outcome::Healed);
    }

    /// The node where the item is skips it, for its own reason.
    #[inline]
    pub(crate) fn skip(&mut self, reason: Reason) {
        if let Some(host) = self.host {
            host.counts().skip(self.at, reason);
        }
        self.end(Outcome::Skipped(reason));
    }

    #[inline]
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.max(Some(outcome));
    }

    /// Runs a node that gives the item to several ways.
    #[inline]
    pub(crate) fn shared<R>(&mut self, ways: impl FnOnce(&mut Self) -> R) -> R {
        self.sharing += 1;
        let result = ways(self);
        self.sharing -= 1;
        result
    }

    /// The receipt for a node that keeps the item beyond this visit: whole, or a share where there are several ways.
    pub(crate) fn take(&mut self, node: u32) -> Receipt {
        self.take_with(node, 0)
    }

    /// As [`take`](Self::take), with so many bytes kept beside key and value.
    pub(crate) fn take_with(&mut self, node: u32, beside: usize) -> Receipt {
        self.at = node;
        let receipt = match std::mem::replace(&mut self.obligation, Obligation::Gone) {
            Obligation::Fresh { home, record } => Receipt::fresh(home, record, node, beside),
            Obligation::Held(receipt) => receipt,
            Obligation::Split(shares) => return self.take_share(shares, node),
            // Only a node that calls below twice without `shared` could come here: this receipt owes nothing, and the
            // visit's own outcome still decides.
            Obligation::Gone => return Receipt::many(Vec::new()),
        };
        if self.sharing > 0 {
            return self.take_share(receipt.into_shares(), node);
        }
        receipt.moved_to(node);
        receipt
    }

    fn take_share(&mut self, shares: Shares, node: u32) -> Receipt {
        let receipt = shares.share();
        self.obligation = Obligation::Split(shares);
        receipt.moved_to(node);
        receipt
    }

    /// An error of this item at a node.
    #[cold]
    pub(crate) fn failure(&self, node: u32, cause: Cause) -> Failure {
        failure_of(&self.obligation, self.context, node, cause)
    }

    /// Ends the visit: an obligation that no node below took is settled or pending again. Nothing is left in the visit to drop.
    #[inline]
    pub(crate) fn finish(&mut self, result: Result<(), Failure>) -> End<'r> {
        // The two usual ends of a fused record take nothing out of the visit.
        match (&result, &self.obligation, self.outcome) {
            (Ok(()), Obligation::Fresh { .. }, Some(outcome)) => End::Settled(outcome),
            (Ok(()), Obligation::Gone, _) => End::Moved,
            _ => self.finish_obligation(result),
        }
    }

    fn finish_obligation(&mut self, result: Result<(), Failure>) -> End<'r> {
        let obligation = std::mem::replace(&mut self.obligation, Obligation::Gone);
        if let Err(failure) = result {
            return Self::finish_failed(obligation, failure);
        }
        match (obligation, self.outcome) {
            (Obligation::Fresh { .. }, Some(outcome)) => End::Settled(outcome),
            (Obligation::Held(receipt), Some(outcome)) => {
                receipt.settle(outcome);
                End::Settled(outcome)
            }
            (Obligation::Split(shares), outcome) => {
                shares.end(outcome);
                End::Moved
            }
            (Obligation::Gone, _) => End::Moved,
            (obligation @ (Obligation::Fresh { .. } | Obligation::Held(_)), None) => {
                let failure = failure_of(&obligation, self.context, self.at, Cause::Lost);
                Self::finish_failed(obligation, failure)
            }
        }
    }

    #[cold]
    fn finish_failed(obligation: Obligation<'r>, failure: Failure) -> End<'r> {
        // No further record of these partitions is started.
        match &obligation {
            Obligation::Fresh { home, record } => home.halt(record.offset),
            Obligation::Held(receipt) => receipt.halt(),
            Obligation::Split(shares) => shares.halt(),
            Obligation::Gone => {}
        }
        End::Failed(failure, obligation)
    }
}

/// An error that names all that is owed where it is about a batch.
fn failure_of(obligation: &Obligation<'_>, context: &Context, node: u32, cause: Cause) -> Failure {
    let failure = context.failure(node, cause);
    if context.is_of_many() { failure.of_rows(obligation.rows()) } else { failure }
}
