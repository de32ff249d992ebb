//! The duties of a back end, and no more, so that anyone can put these bytes where they like.

mod batch;
mod error;
mod keys;
mod page;

pub use batch::{Write, WriteBatch};
pub use error::StoreError;
pub use keys::KeyRange;
pub use page::{Page, PageLimit, rows};

/// A row of the store: a key and its value, as [`Store::scan`] gives them. Not a row of a batch.
pub type Row = (Vec<u8>, Vec<u8>);

/// Which kind of rows a key belongs to; keys of different tables never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// The offsets done in a partition: losing a row costs repeated work, never a record.
    Ledger,
    /// The last output of a node, to be looked at: losing a row costs that look and nothing else.
    Checkpoint,
    /// The memory of nodes between records, and the values that they still owe: a limit must never drop a row.
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
/// Calls are synchronous, may block on disk or network, and come from several threads at once, never from the one that polls Kafka. A
/// store must never give back a row that was not written. It *may*
/// lose writes that were not flushed, which costs repeated work. One that can lose more than that without an error keeps
/// a [`Witness`].
///
/// An error is final unless it [is transient](StoreError::is_transient): a pipeline that runs ends with a final one. After a
/// transient one the same rows, or later values of the same keys, are written again after a pause (250 ms at first, 30 s at most), and
/// commits that need them wait. Reads of a start are asked again as well, for `start_budget` (1 min).
///
/// `healer::testing::store` (feature `testing`) has tests for any implementation. This one passes them:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Mutex, PoisonError};
/// use healer_store::{WriteBatch, KeyRange, Page, PageLimit, Store, StoreError, Table, Write};
///
/// #[derive(Default)]
/// struct Map(Mutex<BTreeMap<(Table, Vec<u8>), Vec<u8>>>);
///
/// impl Store for Map {
///     fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
///         let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         Ok(rows.get(&(table, key.to_vec())).cloned())
///     }
///
///     fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError> {
///         let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let from = rows.range((table, keys.start().to_vec())..);
///         let of_range = from.take_while(|((of, key), _)| *of == table && keys.contains(key));
///         Page::fill(of_range.map(|((_, key), value)| Ok((key.clone(), value.clone()))), limit)
///     }
///
///     fn write(&self, batch: WriteBatch) -> Result<(), StoreError> {
///         let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         for write in batch {
///             match write {
///                 Write::Put { table, key, value, .. } => drop(rows.insert((table, key), value)),
///                 Write::Remove { table, key } => drop(rows.remove(&(table, key))),
///                 Write::RemoveRange { table, keys } => {
///                     rows.retain(|(of, key), _| *of != table || !keys.contains(key));
///                 }
///             }
///         }
///         Ok(())
///     }
///
///     fn flush(&self) -> Result<(), StoreError> {
///         Ok(())
///     }
/// }
/// # #[cfg(feature = "testing")]
/// # healer_store::conformance::keeps_the_contract(Map::default);
/// ```
pub trait Store: Send + Sync + 'static {
    /// The value of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the store cannot tell; never `Ok(None)` for a row that could not be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first rows of `table` whose keys are among `keys`, ascending by key, up to `limit`; at least one where there is one.
    /// The caller goes on with the keys [after](KeyRange::after) the last one, as long as the page says that there may be more.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the rows cannot be read.
    fn scan(&self, table: Table, keys: &KeyRange, limit: PageLimit) -> Result<Page, StoreError>;

    /// Applies all of `batch`, in its order, or nothing, also across a crash; durable only after [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if the batch was not applied, or if that is unknown. The caller gives the same rows, or later values of the same keys, again
    /// after a transient one.
    fn write(&self, batch: WriteBatch) -> Result<(), StoreError>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if that is not certain. After a transient one, a flush that succeeds must have made those earlier writes
    /// durable as well, or fail.
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

    /// A pipeline that used the store has ended, well or with an error: all that it wrote is made durable, and resources that only
    /// writing needs may be let go. By default a flush.
    ///
    /// Each pipeline calls it once, as its last write, also where its start failed. The end waits ten seconds for it and no longer. Handles still read afterwards, and other pipelines of the
    /// process may share the store, so it goes on serving both; it ends when it is dropped.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] if it is not certain that all is durable. The pipeline ends with it, unless another error ended it.
    fn close(&self) -> Result<(), StoreError> {
        self.flush()
    }
}
