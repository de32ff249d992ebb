//! Batches: many rows in one call, each row's offset accounted for.

#[allow(clippy::module_inception)]
mod batch;
mod branded;
mod read;
mod rows;

pub use batch::{Batch, WrongLength};
pub use branded::{BatchKind, BatchStage};
pub use read::{RowsKind, RowsStage};
pub use rows::Rows;
