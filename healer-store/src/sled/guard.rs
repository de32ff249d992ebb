//! Every call into sled goes through here, because sled panics on bytes that it does not expect on disk.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::store::StoreError;

/// Calls sled and turns every failure into a typed error; `action` names the call.
///
/// A panic can only be caught where the program unwinds: under `panic = "abort"` a damaged store ends it.
pub(super) fn call<T>(
    path: &Path,
    action: &'static str,
    work: impl FnOnce() -> ::sled::Result<T>,
) -> Result<T, StoreError> {
    // After a panic the caller gives the database up, so nobody sees a state that was left half-way.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(::sled::Error::Io(source))) => Err(StoreError::io(action, path, source)),
        Ok(Err(error)) => Err(corrupt(path, format!("could not {action} it: {error}"))),
        Err(panic) => Err(corrupt(path, format!("panic while trying to {action} it: {}", message(&*panic)))),
    }
}

fn corrupt(path: &Path, reason: String) -> StoreError {
    StoreError::Corrupt { path: path.to_owned(), reason }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
