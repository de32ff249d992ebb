//! The task of a partition that sends the dead letters of its fused nodes.

use std::sync::Arc;

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesOrdered,
};

use super::{delivery::deliver, letter::Letter};
use crate::{
    chain::Below,
    context::Context,
    envelope::{Hold, Outcome, Receipt},
    error::Cause,
    lane::{Host, Obligation, Shared, Visit},
    operators::{
        queue::{Carry, Envelope, Inbox, Queue},
        serve::{Serve, start_with},
        step::finish,
    },
};

/// Takes letters in; ends with the lane that it belongs to.
pub(crate) struct LaneLetters(Queue<PendingLetter>);

/// A letter, and the records that rest until it is sent.
struct PendingLetter {
    letter: Letter,
    held: Hold,
}

/// A letter whose way has ended.
struct EndedLetter {
    receipt: Receipt,
    held: Hold,
    node: u32,
    context: Context,
    result: Result<(), Cause>,
}

impl LaneLetters {
    pub(crate) fn open(host: &Host) -> Self {
        Self(start_with(&Arc::new(Sender), (), host, Carry::NOTHING))
    }

    /// Takes a letter, with the receipt of the visit's item.
    pub(super) fn put(&self, letter: Letter, visit: &mut Visit<'_>) {
        let context = visit.context.keep(false);
        let receipt = visit.take(letter.node);
        let held = receipt.hold();
        self.0.put(Envelope { value: PendingLetter { letter, held }, receipt, context });
    }
}

/// The task of an office.
struct Sender;

impl Serve<PendingLetter> for Sender {
    type Lane = ();

    fn below(&self) -> Below {
        Below::END
    }

    fn open(&self, _: &Host) {}

    async fn run(&self, (): &mut (), host: &Host, inbox: &mut Inbox<PendingLetter>) {
        let mut on_the_way: FuturesOrdered<BoxFuture<'static, EndedLetter>> = FuturesOrdered::new();
        let mut open = true;
        while open || !on_the_way.is_empty() {
            tokio::select! {
                biased;
                Some(ended) = on_the_way.next() => end(host.shared(), ended),
                item = inbox.next(), if open => match item {
                    // A record before it failed: it will come again, and so will this one.
                    Some(item) if item.receipt.is_halted() => {}
                    Some(Envelope { value: PendingLetter { letter, held }, receipt, context }) => {
                        let node = letter.node;
                        let delivery = deliver(host.shared(), letter);
                        let ended = delivery.map(move |result| EndedLetter { receipt, held, node, context, result });
                        on_the_way.push_back(ended.boxed());
                    }
                    None => open = false,
                },
            }
        }
    }
}

fn end(shared: &Shared, ended: EndedLetter) {
    let EndedLetter { receipt, held, node, mut context, result } = ended;
    if result.is_err() {
        receipt.halt();
    }
    // Dropped before the outcome is reported, so that the partition is free by then.
    drop(held);
    let mut visit = Visit::new(Obligation::Held(receipt), &mut context, node);
    let result = match result {
        Ok(()) => {
            visit.end(Outcome::DeadLettered);
            Ok(())
        }
        Err(cause) => Err(visit.failure(node, cause)),
    };
    finish(shared, visit, result);
}
