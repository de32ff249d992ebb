//! Batches for a function that is tested alone.

use super::context;
use crate::{
    Batch, BatchMut, Context,
    operators::{Fates, fates, lent},
};

/// A batch, to call the function of a stage that reads one. Its rows are the records 0, 1, … of partition 0 of a topic `rows`;
/// [`batch_of`] says where each comes from. A pipeline refuses it.
///
/// ```
/// use healer::{prelude::*, testing};
///
/// #[stage(batch)]
/// fn save(rows: &Batch<u64>) -> Result<(), String> {
///     if rows.iter().any(|(_, cents)| *cents == 0) { Err("nothing is free".to_owned()) } else { Ok(()) }
/// }
///
/// assert_eq!(save(&testing::batch([5, 7])), Ok(()));
/// assert!(save(&testing::batch([5, 0])).is_err());
/// ```
///
/// # Panics
/// If there is no row: a stage never gets such a batch.
pub fn batch<T>(values: impl IntoIterator<Item = T>) -> Batch<T> {
    batch_of(numbered(values))
}

/// As [`batch`], each row with where it comes from: [`context`] makes that.
///
/// # Panics
/// If there is no row: a stage never gets such a batch.
pub fn batch_of<T>(rows: impl IntoIterator<Item = (Context, T)>) -> Batch<T> {
    Batch::of_no_call(some(rows))
}

/// A batch to lend to the function of a stage that transforms one. Its rows come from where those of [`batch`] do; [`batch_mut_of`]
/// says where each comes from.
///
/// ```
/// use healer::{prelude::*, testing};
///
/// #[stage(batch)]
/// fn shout(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
///     rows.filter("empty", |line| !line.is_empty()).map(|line| line.to_uppercase())
/// }
///
/// let ended = testing::batch_mut(["a", "", "b"].map(String::from)).run(shout);
/// assert_eq!(ended.values, ["A", "B"]);
/// assert_eq!(ended.skipped, [(1, "empty".to_owned())]);
/// ```
///
/// # Panics
/// If there is no row: a stage never gets such a batch.
pub fn batch_mut<T>(values: impl IntoIterator<Item = T>) -> TestBatch<T> {
    batch_mut_of(numbered(values))
}

/// As [`batch_mut`], each row with where it comes from: [`context`] makes that.
///
/// # Panics
/// If there is no row: a stage never gets such a batch.
pub fn batch_mut_of<T>(rows: impl IntoIterator<Item = (Context, T)>) -> TestBatch<T> {
    TestBatch { rows: some(rows) }
}

fn numbered<T>(values: impl IntoIterator<Item = T>) -> impl Iterator<Item = (Context, T)> {
    (0..).zip(values).map(|(offset, value)| (context("rows", 0, offset).build(), value))
}

fn some<T>(rows: impl IntoIterator<Item = (Context, T)>) -> Vec<(Context, T)> {
    let rows: Vec<_> = rows.into_iter().collect();
    assert!(!rows.is_empty(), "a stage never gets a batch without rows");
    rows
}

/// A batch that can be lent once: see [`batch_mut`].
///
/// A closure passes a function further arguments beside the batch: `batch.run(|rows| price(rows, &prices))`; the function then
/// names the lifetime of the batch alone: `fn price<'b>(rows: BatchMut<'b, Order>, prices: &Prices) -> BatchMut<'b, Order>`.
#[derive(Clone)]
#[must_use = "a batch does nothing until it is run"]
pub struct TestBatch<T> {
    rows: Vec<(Context, T)>,
}

impl<T> TestBatch<T> {
    /// Runs a function on the batch.
    ///
    /// # Panics
    /// As the other ways to run it, if the call would fail in a pipeline because of the function's use of `flat_map`: it gave
    /// `Result`s for lists, or a row that it made did not come back.
    pub fn run<U>(self, call: impl for<'b> FnOnce(BatchMut<'b, T>) -> BatchMut<'b, U>) -> Transformed<U> {
        Transformed::of(fates(call(lent(self.rows))))
    }

    /// As [`run`](Self::run), of a function that may fail.
    ///
    /// # Errors
    /// That of the function.
    pub fn try_run<U, E>(
        self,
        call: impl for<'b> FnOnce(BatchMut<'b, T>) -> Result<BatchMut<'b, U>, E>,
    ) -> Result<Transformed<U>, E> {
        Ok(Transformed::of(fates(call(lent(self.rows))?)))
    }

    /// As [`run`](Self::run), of an `async` function.
    pub async fn run_async<U>(
        self,
        call: impl for<'b> AsyncFnOnce(BatchMut<'b, T>) -> BatchMut<'b, U>,
    ) -> Transformed<U> {
        Transformed::of(fates(call(lent(self.rows)).await))
    }

    /// As [`run_async`](Self::run_async), of a function that may fail.
    ///
    /// # Errors
    /// That of the function.
    pub async fn try_run_async<U, E>(
        self,
        call: impl for<'b> AsyncFnOnce(BatchMut<'b, T>) -> Result<BatchMut<'b, U>, E>,
    ) -> Result<Transformed<U>, E> {
        Ok(Transformed::of(fates(call(lent(self.rows)).await?)))
    }
}

/// The result of a function on a batch. Rows are counted from 0.
///
/// In a pipeline every row must be in a value or skipped. One that is [`missing`](Self::missing) fails the whole call there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transformed<U> {
    /// The values that go on, in order.
    pub values: Vec<U>,
    /// The rows that each of the values was made of.
    pub made_of: Vec<Vec<usize>>,
    /// The rows that were skipped, in order, with the reason.
    pub skipped: Vec<(usize, String)>,
    /// The rows that neither are in a value nor were skipped.
    pub missing: Vec<usize>,
}

impl<U> Transformed<U> {
    fn of(fates: Fates<U>) -> Self {
        let Fates { values, mut skipped, rows, has_all } = fates;
        let (made_of, values): (Vec<Vec<usize>>, Vec<U>) = values.into_iter().unzip();
        skipped.sort();
        let mut missing = vec![true; rows];
        made_of
            .iter()
            .flatten()
            .chain(skipped.iter().map(|(row, _)| row))
            .for_each(|row| missing[*row] = false);
        let missing: Vec<_> = (0..rows).filter(|row| missing[*row]).collect();
        assert!(
            has_all || !missing.is_empty(),
            "a row that `flat_map` made did not come back: in a pipeline the whole call fails"
        );
        Self { values, made_of, skipped, missing }
    }
}
