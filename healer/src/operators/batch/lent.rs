//! Batches that a test lends to a function of its own.

use super::{
    BatchMut,
    batch_mut::{Parts, batch},
};
use crate::context::Context;

/// The values and skips that a function made of a batch; rows are counted from 0.
pub(crate) struct Fates<T> {
    /// Each value with the rows that it was made of.
    pub(crate) values: Vec<(Vec<usize>, T)>,
    /// Rows that were skipped, and why.
    pub(crate) skipped: Vec<(usize, String)>,
    /// How many rows there were.
    pub(crate) rows: usize,
    /// Whether nothing is missing, nor any row that was made of one.
    pub(crate) has_all: bool,
}

/// A batch of these rows. Lent for any brand, it is that of no call of a pipeline and can be given back to none.
pub(crate) fn lent<'b, T>(rows: Vec<(Context, T)>) -> BatchMut<'b, T> {
    let (contexts, values): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    batch(contexts.into(), values)
}

/// The fates of the rows of a batch.
///
/// # Panics
/// If the batch would fail in a pipeline because of the function's `flat_map`.
pub(crate) fn fates<T>(batch: BatchMut<'_, T>) -> Fates<T> {
    let Parts { rows, skipped, call } = batch.into_parts();
    assert!(call.fault().is_none(), "{}", call.fault().unwrap_or_default());
    let slots = rows.iter().map(|row| &row.slots).chain(skipped.iter().map(|(slots, _)| slots));
    let has_all = call.has_all(slots.map(|slots| slots.as_slice().len()).sum());
    let places = |slots: &[u32]| slots.iter().map(|slot| *slot as usize).collect::<Vec<_>>();
    let skipped = skipped.iter().flat_map(|(slots, reason)| {
        let reason = reason.text();
        places(slots.as_slice()).into_iter().map(move |row| (row, reason.to_string()))
    });
    Fates {
        skipped: skipped.collect(),
        values: rows.into_iter().map(|row| (places(row.slots.as_slice()), row.value)).collect(),
        rows: call.contexts.len(),
        has_all,
    }
}
