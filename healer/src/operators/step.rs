//! How the work at one item ends, in a task.

use crate::{
    envelope::Outcome,
    error::{Cause, Failure},
    lane::{End, Shared, Visit},
};

/// What became of an item at a node.
pub(super) enum Step<U> {
    Next(U),
    Ended(Outcome),
    Failed(Cause),
}

/// Ends a visit in a task; a failure that nobody took care of is told.
pub(super) fn finish(shared: &Shared, mut visit: Visit<'_>, result: Result<(), Failure>) {
    if let End::Failed(failure, owed) = visit.finish(result) {
        // What goes wrong with records of others is theirs to find.
        if !owed.is_fenced() {
            shared.desk.fail(failure);
        }
    }
}
