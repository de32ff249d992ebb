//! The local store: the trait to implement to keep progress elsewhere, the stores that come with healer, and how to read the rows
//! in one.
//!
//! A store keeps which records above the committed offsets are done, and the checkpoints of nodes, apart for each cluster, group and
//! pipeline ([`Scope`]). [`Journal`] reads them; only a running pipeline writes them. Bytes that are forged below a [`Store`] of your
//! own are believed if they look right, so write access there is enough to have records passed over: guard it like
//! the topic.

pub use healer_store::{
    Limits, MemoryStore, Run, SledStore, Store, StoreError, Table, Witness, Write, WriteBatch, store::Row,
};

pub use crate::journal::{
    Checkpoint, Journal, Loaded, MAX_NAME_BYTES, MAX_ROW_BYTES, PartitionSnapshot, Scope,
};
