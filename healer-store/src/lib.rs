#![doc = include_str!("../README.md")]

pub mod journal;
pub mod ledger;
pub mod memory;
pub mod offset_map;
pub mod sled;
pub mod store;

pub use journal::{Checkpoint, Journal, Loaded, PartitionSnapshot};
pub use ledger::{Delivered, DoneAbove, Ledger, Run};
pub use memory::{Limits, MemoryStore};
pub use sled::SledStore;
pub use store::{Batch, Store, StoreError, Table, Witness, Write};
