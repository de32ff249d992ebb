#![doc = include_str!("../README.md")]

#[cfg(feature = "testing")]
pub mod conformance;
// The ledger and its codec are the engine's: public only so that `healer` reaches them.
#[doc(hidden)]
pub mod ledger;
pub mod memory;
#[doc(hidden)]
pub mod offset_map;
#[cfg(feature = "sled")]
pub mod sled;
pub mod store;

pub use ledger::Run;
#[doc(hidden)]
pub use ledger::{Delivered, DoneAbove, Ledger};
pub use memory::{Limits, MemoryStore};
#[cfg(feature = "sled")]
pub use sled::SledStore;
pub use store::{KeyRange, Page, PageLimit, Row, Store, StoreError, Table, Witness, Write, WriteBatch};

/// The store in a folder of the local disk.
///
/// # Errors
///
/// Those of `SledStore::open`; without the feature `sled`, [`StoreError::NoSled`].
#[doc(hidden)]
pub fn in_folder(path: &std::path::Path) -> Result<std::sync::Arc<dyn Store>, StoreError> {
    #[cfg(feature = "sled")]
    return Ok(std::sync::Arc::new(SledStore::open(path)?));
    #[cfg(not(feature = "sled"))]
    return Err(StoreError::NoSled { path: path.to_owned() });
}
