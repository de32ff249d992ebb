//! Batches: many rows in one call, each row's offset accounted for.

mod attempt;
#[allow(clippy::module_inception)]
mod batch_mut;
mod branded;
mod hand_back;
#[cfg(feature = "testing")]
mod lent;
mod read;
mod task;
mod unbatch;

use std::future::Future;

use futures_util::FutureExt as _;

pub use batch_mut::{BatchMut, WrongLength};
pub use branded::{BatchMutKind, BatchMutStage};
#[cfg(feature = "testing")]
pub(crate) use lent::{Fates, fates, lent};
pub use read::{BatchKind, BatchStage};
pub use unbatch::Unbatch;

use crate::error::Cause;

/// Runs the future of a synchronous function: it has no await that could be pending.
fn run_to_end<T>(call: impl Future<Output = T>) -> Result<T, Cause> {
    call.now_or_never().ok_or(Cause::Lost)
}
