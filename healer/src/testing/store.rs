//! Tests for a store of your own, against the contract of [`Store`](crate::store::Store).
//!
//! healer's own back ends pass the same tests.
//!
//! ```
//! # #[cfg(feature = "sled")] {
//! use healer::store::{MemoryStore, SledStore};
//! use healer::testing::store;
//!
//! store::keeps_the_contract(MemoryStore::new);
//!
//! let folder = tempfile::tempdir()?;
//! store::keeps_what_was_flushed(|| SledStore::open(folder.path()).expect("nobody else has the folder"));
//! # }
//! # Ok::<(), std::io::Error>(())
//! ```

pub use healer_store::conformance::{keeps_the_contract, keeps_what_was_flushed};
