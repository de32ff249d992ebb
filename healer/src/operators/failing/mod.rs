//! Records that failed: stop, skip, or a dead letter.
//!
//! The policy after the last attempt (`OnError`: stop, skip, dead letter) is data of the node, else the pipeline's default
//! (`topology/nodes.rs`). A topic of dead letters that the program leaves open is settled when the pipeline is built
//! (`app/dead_letters.rs`), and by `Redrive` in the same way: a running pipeline knows names alone. One function decides for all
//! nodes (`failing::fail`), with the visit in hand: stop is an error that halts the partition, told with the stage's path, topic,
//! partition, offset and source chain (of a batch with the ranges of all that is owed); skip and dead letter end the item where
//! it is, so the other ways of a fan-out and the other values of a flat stage go on; a panic is caught where ways part. At a
//! *sink* the policy is asked for faults of the record: too large, no key where one is needed, a time that the broker refuses, a
//! topic that the record chose and that is none or does not exist. A fault of the broker or of the configuration (a fixed topic
//! that is gone, a right, a codec) stops under every policy. So does a batch, of which nobody knows the row that is at fault:
//! with `split` its halves are tried (`batch/attempt.rs`: pieces on a stack, each with its receipts), and a row that fails alone
//! is a record like any other.
//!
//! - **Dead letters.** `Letter` is the record as it came in, with headers of ours. On the poll thread the record is at hand;
//!   behind a boundary it must have been kept, so queues at and above a node that may dead-letter keep the *original* (known from
//!   the graph when a lane opens; other pipelines pay nothing). A stage in a task waits for the acknowledgement in its place, so
//!   that the next record of its key begins after it. Fused nodes leave letters, with their receipts, in the lane's
//!   `LaneLetters`, a task that sends them in order; it is opened by the first one.
//! - **The content of a letter.** Its time is that of now, since a topic may refuse or at once delete records that are older or
//!   younger; the record's own is in a header. Key, value and headers are as they came in, but for headers whose names are not
//!   UTF-8: a client cannot write those again, so they are left out, here and at sinks, counted (`Headers::dropped`, a header of
//!   the letter) and logged. No record stops for them.
//! - **Lives.** A record that is sent back says where it was first (`healer-origin`, with `healer-timestamp`), and
//!   `Context::origin`, letters and their emit id go by that, however often it fails. These headers are believed only beside
//!   `healer-redrives`; a letter of a first life replaces them. `Context::emit_id`, logs and traces go by the place in this life,
//!   which costs no look at headers.
//! - **A partition with a letter on its way rests**: `Hold` keeps the core from running it, and a chunk ends at a record that
//!   became one. So an outage of the topic holds the partition at that record, regardless of the in-flight bound. Records that
//!   tasks have already go on.
//! - A fault that may pass (no answer, a full queue) is waited out, as long as it takes; a letter that is *too large* alone is
//!   sent again with less of ours; an unknown topic, a missing right and anything else that will not pass is
//!   `RecordErrorKind::DeadLetter`, which stops.

mod delivery;
mod headers;
mod lane_letters;
mod letter;
mod told;

pub(super) use told::report_finished;

use self::{lane_letters::LaneLetters, letter::Letter};

use crate::{
    context::Context,
    envelope::{Outcome, Reason, Receipt},
    error::{Cause, Failure, discard, said::chain},
    lane::{Host, Visit},
    observe::{Fate, Rare},
    operators::step::Step,
    topology::OnError,
};

/// Ends an item that failed at a node as its policy says; an error where the pipeline is to stop.
#[cold]
pub(super) fn fail(visit: &mut Visit<'_>, node: u32, cause: Cause) -> Result<(), Failure> {
    let Some(host) = visit.host else { return Err(visit.failure(node, cause)) };
    host.count(node, Rare::Failed(cause.kind()));
    told::report(host, node, &cause, visit.context, visit.record());
    visit.context.trace().fail(&cause);
    match policy(host, node, &cause, visit.context) {
        // The configuration named the topic when the pipeline was built.
        OnError::Stop | OnError::ConfiguredDeadLetter => return Err(visit.failure(node, cause)),
        OnError::Skip => visit.end(skip(host, node, &cause, visit.context)),
        // One letter says it all: the record comes back as a whole.
        OnError::DeadLetter(_) if visit.bury() => {
            tell(Fate::FailedAgain, host, node, &cause, visit.context);
            visit.end(Outcome::DeadLettered);
        }
        OnError::DeadLetter(topic) => {
            let letter = Letter::new(host, node, topic, &cause, visit);
            host.letters(LaneLetters::open).put(letter, visit);
        }
    }
    discard(cause);
    Ok(())
}

/// As [`fail`], in a task that can wait for the acknowledgement of a dead letter: a record that comes after this one is not
/// begun before. `Step::Failed` is for [`fail`] to decide about.
pub(super) async fn wait_for_dead_letter<U>(
    host: &Host,
    node: u32,
    cause: Cause,
    receipt: &Receipt,
    context: &Context,
) -> Step<U> {
    // In a box: few records fail, and every call would be larger by it.
    match Box::pin(bury(host, node, cause, receipt, context)).await {
        Ok(outcome) => Step::Ended(outcome),
        Err(cause) => Step::Failed(cause),
    }
}

async fn bury(
    host: &Host,
    node: u32,
    cause: Cause,
    receipt: &Receipt,
    context: &Context,
) -> Result<Outcome, Cause> {
    let OnError::DeadLetter(topic) = policy(host, node, &cause, context) else { return Err(cause) };
    if receipt.is_halted() {
        // It will come again, after the record that failed before it.
        return Err(cause);
    }
    let kind = cause.kind();
    told::report(host, node, &cause, context, None);
    context.trace().fail(&cause);
    let _held = receipt.hold();
    let letter = Letter::of_context(host, node, topic, &cause, context);
    discard(cause);
    match delivery::deliver(host.shared(), letter).await {
        Ok(()) => {
            host.count(node, Rare::Failed(kind));
            Ok(Outcome::DeadLettered)
        }
        Err(cause) => {
            // Before the partition is let go.
            receipt.halt();
            Err(cause)
        }
    }
}

fn policy<'h>(host: &'h Host, node: u32, cause: &Cause, context: &Context) -> &'h OnError {
    match cause {
        // A failed send is no fault of the record, and a dead letter that cannot be sent would be lost.
        // With rows of another call it is not known which records are at fault: those of the rows, or those that are owed here.
        Cause::Send(_) | Cause::DeadLetter(_) | Cause::OtherBatch => &OnError::Stop,
        // One row of a batch may be at fault: the others are not given up with it.
        _ if context.is_of_many() => &OnError::Stop,
        _ => host.nodes().on_error(node),
    }
}

fn tell(fate: Fate, host: &Host, node: u32, cause: &Cause, context: &Context) {
    let given_up = context.given_up(host.nodes().path(node), chain(cause));
    host.shared().given_up.tell(fate, node, given_up, host.now());
}

/// Skips a record that failed; that is logged.
fn skip(host: &Host, node: u32, cause: &Cause, context: &Context) -> Outcome {
    tell(Fate::Skipped, host, node, cause, context);
    let reason = Reason::new(if matches!(cause, Cause::Decode(_)) { "undecodable" } else { "failed" });
    host.count(node, Rare::Skipped(reason));
    Outcome::Skipped(reason)
}
