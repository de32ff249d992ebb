//! Writes that happen together or not at all.

use super::{KeyRange, Table};

/// One write of a [`WriteBatch`].
///
/// It is exhaustive on purpose: a back end that passes over a kind of write which it does not know would lose rows in silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Sets a row.
    Put {
        /// The row's table.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
        /// The row's new value.
        value: Vec<u8>,
        /// For a row whose loss must be noticed: a number that grows with every write of it.
        sequence: Option<u64>,
    },
    /// Removes a row, if it is there, and its witness.
    Remove {
        /// The row's table.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
    },
    /// Removes the rows of a range that are there, also those that the batch has put before, and their witnesses.
    RemoveRange {
        /// The rows' table.
        table: Table,
        /// Their keys.
        keys: KeyRange,
    },
}

/// Writes that a [`Store`](super::Store) applies together or not at all, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a batch does nothing until it is given to `Store::write`"]
pub struct WriteBatch {
    writes: Vec<Write>,
}

impl WriteBatch {
    /// A batch without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a row.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.writes.push(Write::Put { table, key, value, sequence: None });
    }

    /// Sets a row whose loss must be noticed: `sequence` must be above that of every earlier write of it.
    pub fn put_witnessed(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>, sequence: u64) {
        self.writes.push(Write::Put { table, key, value, sequence: Some(sequence) });
    }

    /// Removes a row.
    pub fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.writes.push(Write::Remove { table, key });
    }

    /// Removes all rows of a range; those that the batch puts later stay.
    pub fn remove_range(&mut self, table: Table, keys: KeyRange) {
        self.writes.push(Write::RemoveRange { table, keys });
    }

    /// The writes, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// True if there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

impl IntoIterator for WriteBatch {
    type Item = Write;
    type IntoIter = std::vec::IntoIter<Write>;

    fn into_iter(self) -> Self::IntoIter {
        self.writes.into_iter()
    }
}
