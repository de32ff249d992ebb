//! The words about records that all rooms share: headers, times, and identities.

mod batch_id;
mod emit_id;
mod headers;
mod millis;

pub(crate) use batch_id::BatchId;
pub(crate) use emit_id::{of as emit_id, of_batch as batch_id};
pub use headers::Headers;
pub(crate) use millis::Millis;
