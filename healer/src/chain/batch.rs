//! The rows of a batch, to read.

use std::{any::type_name, fmt};

use crate::{
    chain::{CopiesToReport, Here, Repeats, Sealed, Splits},
    context::Context,
    record::BatchId,
    topology::NodeDraft,
};

/// A batch of records, lent to a stage that reads it.
///
/// It belongs to the call that it came in with: there is no copy of it, and `batch` and batch stages alone pass one on, so that
/// the offsets which are committed are those of the rows that were worked on. [`unbatch`](crate::Stream::unbatch) gives each row on as the
/// record that it came from. A closure that is given rows of its own (`map`) ends
/// the batch: it gives a value made of them, no rows.
///
/// ```
/// use healer::prelude::*;
///
/// #[stage(batch)]
/// fn save(rows: &Batch<String>) -> Result<(), std::io::Error> {
///     for (ctx, line) in rows {
///         println!("{}@{}: {line}", ctx.topic(), ctx.offset());
///     }
///     Ok(()) // heals every row
/// }
/// # fn main() {}
/// ```
pub struct Batch<T> {
    /// `None` where they are a record's value.
    pub(crate) batch: Option<BatchId>,
    pub(crate) list: List<T>,
}

/// A value that `unbatch` takes apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no batch: `unbatch` has no rows to pass on",
    label = "takes a batch apart, and here flows `{Self}`",
    note = "put it behind `batch(…)` or behind a batch stage, once; a value that a stage made of a batch has no rows any more"
)]
pub trait Unbatches: Sealed {
    /// The type of a row.
    type Row: Send + 'static;
}

impl<T> Sealed for Batch<T> {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Unbatches for Batch<T> {
    type Row = T;
}

/// Rows, each with where it comes from.
pub(crate) type List<T> = Vec<(Context, T)>;

impl<T> Batch<T> {
    /// The value of one record.
    #[cfg(feature = "testing")]
    pub(crate) fn new(list: List<T>) -> Self {
        Self { batch: None, list }
    }

    /// A batch of nobody's call: no pipeline takes it for one of its own, however it got in.
    #[cfg(feature = "testing")]
    pub(crate) fn of_no_call(list: List<T>) -> Self {
        let batch = list.first().and_then(|(context, _)| context.of_many(list.len()).batch().cloned());
        Self { batch, list }
    }

    /// A batch that begins its way, and the context that goes with it; none without a row.
    pub(crate) fn begin(list: List<T>) -> Option<(Self, Context)> {
        let context = Context::of_all(list.iter().map(|(context, _)| context))?;
        Some((Self { batch: context.batch().cloned(), list }, context))
    }

    /// The same batch once more: for another way or attempt of the same call.
    fn copy(&self) -> Self
    where
        T: Clone,
    {
        Self { batch: self.batch.clone(), list: self.list.clone() }
    }

    /// How many rows there are; never 0.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none; a stage never gets such a batch.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Each row with where it comes from.
    pub fn iter(&self) -> BatchIter<'_, T> {
        BatchIter(self.list.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Rows in the order in which they came.
pub struct BatchIter<'a, T>(std::slice::Iter<'a, (Context, T)>);

impl<'a, T> Iterator for BatchIter<'a, T> {
    type Item = (&'a Context, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(context, value)| (context, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> ExactSizeIterator for BatchIter<'_, T> {}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = (&'a Context, &'a T);
    type IntoIter = BatchIter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Splits<Batch<T>> for Here {
    fn duplicate(rows: &Batch<T>) -> Batch<T> {
        rows.copy()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Repeats<Batch<T>> for Here {
    fn repeat(rows: &Batch<T>) -> Batch<T> {
        rows.copy()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CopiesToReport<Batch<T>> for Here {
    fn copy(rows: &Batch<T>) -> Batch<T> {
        rows.copy()
    }
}

/// Rows that a closure or a single stage passes on could be those of another batch: `build` refuses all that has them in its type.
pub(crate) fn refuse_rows<U>(node: &mut NodeDraft) {
    refuse_named(type_name::<U>(), node);
}

/// As [`refuse_rows`], for the rows that a batch stage gives.
pub(crate) fn refuse_rows_of_rows<U>(node: &mut NodeDraft) {
    let name = type_name::<U>();
    let row = name.split_once('<').and_then(|(_, row)| row.strip_suffix('>'));
    refuse_named(row.unwrap_or(name), node);
}

fn refuse_named(name: &str, node: &mut NodeDraft) {
    if has_rows(name) {
        node.faults.push(format!(
            "it gives `{name}`, and rows that it passes on could be those of another batch: the offsets of this one would be \
             committed without its rows. Read rows in a `#[stage(batch)]` function of `&Batch<T>`, change them in one of \
             `BatchMut<'_, T>`, take a batch apart with `unbatch()`, or give a value made of its rows"
        ));
    }
}

/// Whether the name of a type has that of rows in it.
fn has_rows(name: &str) -> bool {
    let own = type_name::<Batch<()>>();
    // With its `<`.
    let own = &own[..=own.find('<').unwrap_or_default()];
    let is_whole =
        |at: usize| !name[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    name.match_indices(own).any(|(at, _)| is_whole(at))
}

#[cfg(test)]
mod tests {
    use std::{any::type_name, collections::HashMap, sync::Arc};

    use super::{Batch, has_rows};

    /// Of a user.
    mod own {
        #[derive(Debug)]
        pub(crate) struct Batch<T>(pub(crate) T);
    }

    #[test]
    fn rows_are_found_wherever_they_are_in_a_type() {
        let all = [
            type_name::<Batch<String>>(),
            type_name::<Option<Batch<u8>>>(),
            type_name::<Vec<Batch<u8>>>(),
            type_name::<(u8, Batch<u8>)>(),
            type_name::<Result<Box<[Batch<u8>; 2]>, String>>(),
            type_name::<HashMap<String, Arc<Batch<(u8, u8)>>>>(),
            type_name::<own::Batch<Batch<u8>>>(),
        ];
        assert!(all.iter().all(|name| has_rows(name)), "{all:?}");
        let others =
            [type_name::<own::Batch<u8>>(), type_name::<Vec<String>>(), "my::healer_operators::Batch<u8>"];
        assert!(!others.iter().any(|name| has_rows(name)), "{others:?}");
        assert!(format!("{:?}", own::Batch(1)).contains('1'));
    }
}
