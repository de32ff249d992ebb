//! Records that failed: stop, skip, or a dead letter.

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
