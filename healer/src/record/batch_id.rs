//! Which batch a context stands for.

use std::sync::Arc;

/// The identity of a batch in one call: rows and the context that they travel with have the same one. It is an allocation, which
/// nothing else can have as long as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct BatchId(Arc<u32>);

impl BatchId {
    /// That of a new batch of so many rows.
    pub(crate) fn new(rows: usize) -> Self {
        Self(Arc::new(u32::try_from(rows).unwrap_or(u32::MAX)))
    }

    #[inline]
    pub(crate) fn rows(&self) -> u32 {
        *self.0
    }
}

impl PartialEq for BatchId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
