//! The local store: the trait to implement to keep progress elsewhere, the stores that come with healer, and how to read the rows
//! in one.
//!
//! A store keeps which records above the committed offsets are done, and the checkpoints of nodes, apart for each cluster, group and
//! pipeline ([`Scope`]). [`Journal`] reads them; only a running pipeline writes them. Bytes that are forged below a [`Store`] of your
//! own are believed if they look right, so write access there is enough to have records passed over: guard it like
//! the topic. `healer::testing::store` (feature `testing`) tests such a store against the contract.
//!
//! `SledStore`, the store in a folder, comes with the feature `sled`, which is on by default.

#[cfg(feature = "sled")]
pub use healer_store::SledStore;
pub use healer_store::{
    KeyRange, Limits, MemoryStore, Page, PageLimit, Row, Run, Store, StoreError, Table, Witness, Write,
    WriteBatch,
};

pub use crate::journal::{
    Checkpoint, Journal, Loaded, MAX_NAME_BYTES, MAX_ROW_BYTES, PartitionSnapshot, Scope,
};
