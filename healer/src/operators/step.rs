//! How the work at one item ends, in a task.

use crate::{
    envelope::Outcome,
    error::{Cause, Failure},
    lane::{End, Shared, Visit},
};

/// The result of a node's work at one item.
pub(super) enum Step<U> {
    Next(U),
    Ended(Outcome),
    Failed(Cause),
}

/// Ends a visit in a task; a failure that nobody took care of is told.
pub(super) fn finish(shared: &Shared, mut visit: Visit<'_>, result: Result<(), Failure>) {
    if let End::Failed(failure, owed) = visit.finish(result) {
        // The records of a generation that is over have a new owner, which meets the failure by itself.
        if !owed.is_fenced() {
            shared.desk.fail(failure);
        }
    }
}
