//! A batch in a stage's hands: slot numbers beside values, branded so that it can only go back to the call it came from.

use std::{
    any::type_name,
    marker::PhantomData,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{context::Context, envelope::Reason, unfinished};

/// A batch that a stage transforms. Every row must come back, or be settled by [`filter`](BatchMut::filter): the only way to
/// return a `BatchMut<'b, _>` is to have transformed the one that came in, since nothing else has its brand `'b`.
///
/// ```
/// use healer::prelude::*;
///
/// #[stage(batch)]
/// fn shout(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
///     rows.filter("empty", |line| !line.is_empty()).map(|line| line.to_uppercase())
/// }
/// # fn main() {}
/// ```
#[must_use = "a batch that is dropped leaves its offsets uncommitted: return it"]
pub struct BatchMut<'b, T> {
    rows: Vec<Row<T>>,
    skipped: Vec<(Slots, Reason)>,
    call: Arc<Call>,
    brand: PhantomData<fn(&'b ()) -> &'b ()>,
}

/// The state that all batches of a call share, also those that a user's closure never gave back.
pub(super) struct Call {
    pub(super) contexts: Arc<[Context]>,
    /// How many slots all its rows have together, each counted as often as a row has it.
    uses: AtomicUsize,
    /// Why the call cannot count as done, even if every row comes back.
    fault: OnceLock<String>,
}

impl Call {
    /// Whether no row is missing, neither one that came in nor one that was made of it.
    pub(super) fn has_all(&self, uses: usize) -> bool {
        uses == self.uses.load(Relaxed)
    }

    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }
}

/// The places of a row in the call's list of receipts.
#[derive(Clone, Debug)]
pub(super) enum Slots {
    One(u32),
    Many(Vec<u32>),
}

impl Slots {
    pub(super) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }

    fn first(&self) -> u32 {
        self.as_slice().first().copied().unwrap_or(0)
    }
}

/// A row inside a batch.
pub struct Row<T> {
    pub(super) slots: Slots,
    pub(super) value: T,
}

/// A function gave another number of rows than it got.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a batch of {given} rows became {returned}: every row must come back, in its place; all stay pending"
)]
pub struct WrongLength {
    given: usize,
    returned: usize,
}

/// A batch that its stage gave back, taken apart by the engine.
pub(super) struct Parts<T> {
    pub(super) rows: Vec<Row<T>>,
    pub(super) skipped: Vec<(Slots, Reason)>,
    pub(super) call: Arc<Call>,
}

/// The batch of a call. No function of `BatchMut` itself: the compiler would tell users to make one with it.
pub(super) fn batch<'b, T>(contexts: Arc<[Context]>, values: Vec<T>) -> BatchMut<'b, T> {
    let rows: Vec<_> =
        (0..).zip(values).map(|(slot, value)| Row { slots: Slots::One(slot), value }).collect();
    let call = Call { contexts, uses: AtomicUsize::new(rows.len()), fault: OnceLock::new() };
    with_rows(rows, Vec::new(), Arc::new(call))
}

fn with_rows<'b, T>(rows: Vec<Row<T>>, skipped: Vec<(Slots, Reason)>, call: Arc<Call>) -> BatchMut<'b, T> {
    BatchMut { rows, skipped, call, brand: PhantomData }
}

impl<'b, T> BatchMut<'b, T> {
    pub(super) fn into_parts(self) -> Parts<T> {
        Parts { rows: self.rows, skipped: self.skipped, call: self.call }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none (left).
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Each row with where it comes from (a reduced one: with where its first comes from).
    pub fn iter(&self) -> impl Iterator<Item = (&Context, &T)> {
        self.rows.iter().map(|row| (&self.call.contexts[row.slots.first() as usize], &row.value))
    }

    /// Turns each row into another.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> BatchMut<'b, U> {
        let rows = self.rows.into_iter().map(|row| Row { slots: row.slots, value: f(row.value) }).collect();
        with_rows(rows, self.skipped, self.call)
    }

    /// Turns each row into another, or fails.
    ///
    /// # Errors
    /// The first one of `f`; then all rows stay pending.
    pub fn try_map<U, E>(self, mut f: impl FnMut(T) -> Result<U, E>) -> Result<BatchMut<'b, U>, E> {
        let rows = self.rows.into_iter().map(|row| Ok(Row { slots: row.slots, value: f(row.value)? }));
        Ok(with_rows(rows.collect::<Result<_, E>>()?, self.skipped, self.call))
    }

    /// Turns all rows at once into others, in the same order: for a model or a service that takes many.
    ///
    /// # Errors
    /// [`WrongLength`] if `f` gives another number of values; then all rows stay pending.
    pub fn try_map_all<U>(self, f: impl FnOnce(Vec<T>) -> Vec<U>) -> Result<BatchMut<'b, U>, WrongLength> {
        let (slots, values): (Vec<_>, Vec<_>) =
            self.rows.into_iter().map(|row| (row.slots, row.value)).unzip();
        let results = f(values);
        if results.len() != slots.len() {
            return Err(WrongLength { given: slots.len(), returned: results.len() });
        }
        let rows = slots.into_iter().zip(results).map(|(slots, value)| Row { slots, value }).collect();
        Ok(with_rows(rows, self.skipped, self.call))
    }

    /// Keeps some rows; the others are skipped with that reason, and so done.
    pub fn filter(self, reason: &str, mut keep: impl FnMut(&T) -> bool) -> Self {
        let mut skipped = self.skipped;
        let reason = Reason::new(reason);
        let mut rows = self.rows;
        rows.retain_mut(|row| {
            let kept = keep(&row.value);
            if !kept {
                skipped.push((std::mem::replace(&mut row.slots, Slots::Many(Vec::new())), reason));
            }
            kept
        });
        with_rows(rows, skipped, self.call)
    }

    /// Treats rows in two ways; each closure must give its batch back. Afterwards rows stand in the order in which they came, so rows of
    /// one key keep theirs.
    pub fn route<U>(
        self,
        mut pick: impl FnMut(&T) -> bool,
        yes: impl FnOnce(BatchMut<'b, T>) -> BatchMut<'b, U>,
        no: impl FnOnce(BatchMut<'b, T>) -> BatchMut<'b, U>,
    ) -> BatchMut<'b, U> {
        let (left, right): (Vec<_>, Vec<_>) = self.rows.into_iter().partition(|row| pick(&row.value));
        let mut left = yes(with_rows(left, self.skipped, Arc::clone(&self.call)));
        let right = no(with_rows(right, Vec::new(), self.call));
        left.rows.extend(right.rows);
        left.rows.sort_by_key(|row| row.slots.first());
        left.skipped.extend(right.skipped);
        left
    }

    /// Makes one row of all: it owes the outcome of each. An empty batch stays empty.
    pub fn reduce<U>(self, f: impl FnOnce(Vec<T>) -> U) -> BatchMut<'b, U> {
        if self.rows.is_empty() {
            return with_rows(Vec::new(), self.skipped, self.call);
        }
        let mut slots = Vec::with_capacity(self.rows.len());
        let mut values = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            slots.extend_from_slice(row.slots.as_slice());
            values.push(row.value);
        }
        let rows = vec![Row { slots: Slots::Many(slots), value: f(values) }];
        with_rows(rows, self.skipped, self.call)
    }

    /// Makes any number of rows of each: it is done when all of them are; one that gave none is skipped with that reason.
    ///
    /// A list of no rows is a record without work, so a `Result` is none: its `Err` would be skipped and lost. The compiler refuses it
    /// as a type that it cannot infer (`AnErrWouldBeSkipped`). Open it before, with [`try_map`](Self::try_map), whose `Err` fails the
    /// batch; where an error is to be skipped, say so with `.ok()`.
    ///
    /// In a function that is generic over the list the compiler cannot tell: a `Result` there fails the batch before `f` is called.
    pub fn flat_map<U, I, AnErrWouldBeSkipped>(
        self,
        reason: &str,
        mut f: impl FnMut(T) -> I,
    ) -> BatchMut<'b, U>
    where
        I: IntoIterator<Item = U> + GivesRows<AnErrWouldBeSkipped>,
    {
        if let Some(fault) = unfinished::list_fault(type_name::<I>()) {
            self.call.fault.get_or_init(|| fault);
            return with_rows(Vec::new(), self.skipped, self.call);
        }
        let mut skipped = self.skipped;
        let reason = Reason::new(reason);
        let mut rows = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            let before = rows.len();
            rows.extend(f(row.value).into_iter().map(|value| Row { slots: row.slots.clone(), value }));
            match rows.len() - before {
                0 => skipped.push((row.slots, reason)),
                made => drop(self.call.uses.fetch_add((made - 1) * row.slots.as_slice().len(), Relaxed)),
            }
        }
        with_rows(rows, skipped, self.call)
    }
}

/// A type that [`flat_map`](BatchMut::flat_map) makes rows of. A `Result` is one in two ways, so that the compiler infers neither.
pub trait GivesRows<How> {}

impl<I: IntoIterator> GivesRows<Each> for I {}
impl<T, E> GivesRows<NoneOfAnErr> for Result<T, E> {}
impl<T> GivesRows<NoneOfAnErr> for std::result::IntoIter<T> {}

/// Of each item a row.
#[derive(Debug)]
pub struct Each;

/// Of an `Err` no row.
#[derive(Debug)]
pub struct NoneOfAnErr;
