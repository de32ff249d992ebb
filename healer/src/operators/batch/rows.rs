//! The rows of a batch, to read.

use std::fmt;

use crate::context::Context;

/// A batch of records, lent to a stage that reads it.
///
/// ```
/// use healer::prelude::*;
///
/// #[stage(batch)]
/// fn save(rows: &Rows<String>) -> Result<(), std::io::Error> {
///     for (ctx, line) in rows {
///         println!("{}@{}: {line}", ctx.topic(), ctx.offset());
///     }
///     Ok(()) // heals every row
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Rows<T> {
    pub(in crate::operators) list: Vec<(Context, T)>,
}

impl<T> Rows<T> {
    #[cfg(feature = "testing")]
    pub(crate) fn new(list: Vec<(Context, T)>) -> Self {
        Self { list }
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
    pub fn iter(&self) -> RowsIter<'_, T> {
        RowsIter(self.list.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Rows in the order in which they came.
pub struct RowsIter<'a, T>(std::slice::Iter<'a, (Context, T)>);

impl<'a, T> Iterator for RowsIter<'a, T> {
    type Item = (&'a Context, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(context, value)| (context, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> ExactSizeIterator for RowsIter<'_, T> {}

impl<'a, T> IntoIterator for &'a Rows<T> {
    type Item = (&'a Context, &'a T);
    type IntoIter = RowsIter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
