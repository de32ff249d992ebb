//! One call for a batch, and the rows of that call: the whole, or a half of it down to a single row.

use std::{future::Future, sync::Arc};

use super::batch_mut::Parts;
use crate::{
    chain::{Batch, List},
    context::Context,
    envelope::Receipt,
    error::Cause,
    lane::Host,
    observe::{Here, Span},
    operators::stage::{Reporting, Stage, StageNode, Verdict},
};

/// Names a batch in logs; a batch is never empty.
pub(super) fn here<T>(rows: &Batch<T>) -> Here {
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    rows.list.first().map_or_else(Here::nowhere, |(context, _)| Here { batch: Some(count), ..context.here() })
}

/// The rows that a call made of a batch.
pub(super) enum Made<T, U> {
    /// The call only read the batch: the rows that came in go on, of the same type.
    Same(Batch<T>, fn(Batch<T>) -> Batch<U>),
    /// The call transformed the batch.
    Parts(Parts<U>),
}

/// The part of a batch that is left after a call.
pub(super) enum Back<T> {
    Nothing,
    /// Where its rows come from.
    Contexts(Arc<[Context]>),
    /// All of it, or a copy.
    Batch(Batch<T>),
}

/// The result of a call, and the part of the batch that is left.
pub struct Tried<T, U> {
    pub(super) back: Back<T>,
    pub(super) result: Result<Verdict<Made<T, U>>, Cause>,
}

/// A way to call the function of a batch stage once.
pub trait Tries<S: Stage<In = Batch<Self::Row>, Out = Batch<Self::Made>>>: Send + Sync + 'static {
    /// A row that goes in.
    type Row: Send + 'static;
    /// A row that comes out.
    type Made: Send + 'static;

    /// Calls it. `keep` says whether the rows are wanted back, `span` is told how long it took.
    fn call<'a, D: Sync>(
        host: &'a Host,
        stage: &'a StageNode<S, D>,
        need: &'a Arc<S::Need>,
        rows: Batch<Self::Row>,
        keep: bool,
        span: Span,
    ) -> impl Future<Output = Tried<Self::Row, Self::Made>> + Send + 'a;
}

/// Rows that are worked on together.
pub(super) struct Piece<T> {
    pub(super) rows: Batch<T>,
    pub(super) receipts: Vec<Receipt>,
    /// Whether it is the batch that came in.
    pub(super) is_whole: bool,
}

impl<T> Piece<T> {
    /// The second half is to come after the first.
    pub(super) fn halves(self) -> [Self; 2] {
        let Self { rows: Batch { batch, mut list }, mut receipts, .. } = self;
        first_attempts(&mut list);
        let half = list.len().div_ceil(2);
        let behind = Batch { batch: batch.clone(), list: list.split_off(half) };
        let second = Self { rows: behind, receipts: receipts.split_off(half), is_whole: false };
        [Self { rows: Batch { batch, list }, receipts, is_whole: false }, second]
    }

    /// The rows that are left to be run. The batch that came in is run whole, for the partitions that have not failed. Of its parts,
    /// rows behind one that failed are returned; the reason has been told.
    pub(super) fn without_halted(self) -> Self {
        if self.is_whole {
            return self;
        }
        let Self { rows: Batch { batch, list }, receipts, is_whole } = self;
        let left = list.into_iter().zip(receipts).filter(|(_, receipt)| !receipt.is_halted());
        let (list, receipts) = left.unzip();
        Self { rows: Batch { batch, list }, receipts, is_whole }
    }
}

impl<T> Back<T> {
    /// Notes the rows of a batch that is reported.
    pub(super) fn note<S: Stage<In = Batch<T>>>(&self, context: &mut Context) {
        match self {
            Self::Nothing => {}
            Self::Contexts(contexts) => note_rows(context, contexts.iter()),
            Self::Batch(rows) => note::<S, _>(context, rows),
        }
    }
}

/// Notes a batch that is at hand.
pub(super) fn note<S: Stage<In = Batch<T>>, T>(context: &mut Context, rows: &Batch<T>) {
    note_rows(context, rows.iter().map(|(context, _)| context));
    if let Some(notes) = context.notes().filter(|_| S::REPORT != Reporting::Never) {
        notes.input(|json| S::report_json(rows, json));
    }
}

fn note_rows<'c>(context: &mut Context, rows: impl Iterator<Item = &'c Context>) {
    context.take_notes();
    // A row alone is a record like any other.
    if let Some(notes) = context.notes().filter(|_| context.is_of_many()) {
        notes.set_rows(rows.map(Context::noted).collect());
    }
}

/// Sets the rows back to their first attempt: a half, or the next node, counts its own attempts.
pub(super) fn first_attempts<T>(list: &mut List<T>) {
    for (context, _) in list {
        context.first_attempt();
    }
}

/// Whether the receipts owe the record of this row, and nothing else.
pub(super) fn owes(receipts: &[Receipt], row: &Context) -> bool {
    receipts.iter().all(|receipt| receipt.is_of(row.topic(), row.partition(), row.offset()))
}
