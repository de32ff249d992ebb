//! The duties of a back end, and no more, so that anyone can put these bytes where they like.

mod batch;
mod error;

pub use batch::{Write, WriteBatch};
pub use error::StoreError;

/// A key and its value, as [`Store::scan`] gives them.
pub type Row = (Vec<u8>, Vec<u8>);

/// Which kind of rows a key belongs to; keys of different tables never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// The offsets done in a partition: losing a row costs a replay, never a record.
    Ledger,
    /// The last output of a node: losing a row costs a repeated call.
    Checkpoint,
    /// The memory and the debts of nodes: must never be dropped by a limit.
    State,
}

impl Table {
    /// The table's name, for back ends that have tables of their own; never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Checkpoint => "checkpoint",
            Self::State => "state",
        }
    }

    /// One byte that stands for the table, for back ends that have one key space; never changes.
    pub const fn tag(self) -> u8 {
        match self {
            Self::Ledger => 1,
            Self::Checkpoint => 2,
            Self::State => 3,
        }
    }
}

/// A back end's knowledge of a row apart from the row itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Witness {
    /// The back end keeps no second record: a row that is not there was never written.
    Trusting,
    /// The second record is whole, and says that the row was never made durable.
    Unwritten,
    /// The row was made durable with this sequence number, or a later one.
    Written {
        /// The highest sequence number that the second record has seen.
        sequence: u64,
    },
    /// The second record itself was lost, so that neither a row nor its absence proves anything, until the row
    /// is written again.
    Lost,
}

/// A local database of bytes: the one thing to implement to keep progress elsewhere.
///
/// Calls are synchronous and may block on the disk or network: they are made from a thread of their own,
/// never from the one that polls Kafka. A store must never give back a row that was not written. It *may*
/// lose writes that were not flushed, which costs a replay. One that can lose more than that without an error keeps
/// a [`Witness`].
pub trait Store: Send + Sync + 'static {
    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot tell; never `Ok(None)` for a row that could not be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// All rows of `table` whose key starts with `prefix`, ascending by key.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the rows cannot be read.
    fn scan(&self, table: Table, prefix: &[u8]) -> Result<Vec<Row>, StoreError>;

    /// Applies all of `batch` or nothing, also across a crash; durable only after [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the batch was not applied, or if that is unknown.
    fn write(&self, batch: WriteBatch) -> Result<(), StoreError>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if that is not certain.
    fn flush(&self) -> Result<(), StoreError>;

    /// The back end's knowledge of the row apart from the row itself; by default, that it keeps no second
    /// record.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the second record cannot be read.
    fn witness(&self, table: Table, key: &[u8]) -> Result<Witness, StoreError> {
        let _ = (table, key);
        Ok(Witness::Trusting)
    }
}
