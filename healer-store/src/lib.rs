#![doc = include_str!("../README.md")]

pub mod ledger;
pub mod memory;
pub mod offset_map;
pub mod sled;
pub mod store;

pub use ledger::{Delivered, DoneAbove, Ledger, Run};
pub use memory::{Limits, MemoryStore};
pub use sled::SledStore;
pub use store::{Store, StoreError, Table, Witness, Write, WriteBatch};
