//! Sends the records that a client gave back, in their order, before any that came later.

use std::{sync::Arc, thread, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use rdkafka::{
    Message as _,
    message::OwnedMessage,
    producer::{Producer as _, PurgeConfig},
    types::RDKafkaErrorCode as Code,
};

use super::{
    Ticket,
    client::Client,
    line::Line,
    returned::{Returned, Why, record_of},
};
use crate::broker::kafka::errors;

/// How often a client is looked at that is to give all back.
const LOOK: Duration = Duration::from_millis(2);
/// How long to rest when the queue of the client is full.
const FULL: Duration = Duration::from_millis(5);

/// Runs on a thread of its own until nothing waits any more.
pub(super) fn run(line: &Arc<Line>) {
    let pauses = ExponentialBuilder::new().with_min_delay(Duration::from_millis(100));
    let mut pauses = pauses.with_max_delay(Duration::from_secs(10)).without_max_times().build();
    loop {
        for (batches, client) in line.dead_clients() {
            tell(line, &client);
            drain(line, &client);
            drop(client);
            line.forget(batches);
        }
        if line.is_closed() {
            return line.give_up();
        }
        let mut waiting = line.take_returned();
        if waiting.is_empty() {
            if line.end_mending() {
                return;
            }
            continue;
        }
        // Clients may give back in another order than that of the sending.
        waiting.sort_by_key(|returned| returned.ticket.number);
        for returned in waiting.iter().filter(|returned| returned.why == Why::Together) {
            let topic = returned.message.topic();
            if line.be_careful(topic) {
                tracing::warn!(
                    topic,
                    "a batch was refused: it is too large as a whole, or a record in it is at fault; from now on the records of this topic go \
                     one a batch, so that only the one at fault fails"
                );
            }
        }
        if waiting.iter().any(|returned| returned.why == Why::Passing) {
            thread::sleep(pauses.next().unwrap_or_default());
        }
        send(line, waiting);
    }
}

fn tell(line: &Line, client: &Client) {
    let Some((code, why)) = client.client().fatal_error() else { return };
    if code != Code::GaplessGuarantee && line.client_errors.is_news(&why) {
        tracing::warn!(
            brokers = line.client_errors.brokers(),
            "the producer lost track of what the broker has: {why}; what was on its way is sent once more, and may be there twice"
        );
    }
}

/// Waits until a client that sends nothing any more has given all back. Records on their way are answered first, since a
/// record that did arrive must not be sent again.
fn drain(line: &Line, client: &Client) {
    while client.in_flight_count() > 0 && !line.is_closed() {
        client.purge(PurgeConfig::default().queue());
        thread::sleep(LOOK);
    }
}

/// Sends records in their order; if a client ends on the way, the rest waits for the next one.
fn send(line: &Arc<Line>, waiting: Vec<Returned>) {
    let mut waiting = waiting.into_iter();
    while let Some(Returned { ticket, message, .. }) = waiting.next() {
        if let Err(rest) = send_one(line, ticket, message) {
            return line.keep_returned(std::iter::once(*rest).chain(waiting));
        }
    }
}

/// Gives the record back where its client has ended meanwhile.
fn send_one(line: &Arc<Line>, mut ticket: Box<Ticket>, message: OwnedMessage) -> Result<(), Box<Returned>> {
    loop {
        let client = match line.client(line.batches(message.topic())) {
            Ok(client) => client,
            Err(error) => {
                // Its sender may be gone.
                let _ = ticket.answer.send(Err(error));
                return Ok(());
            }
        };
        let Err((error, record)) = client.send(record_of(&message, ticket)) else { return Ok(()) };
        ticket = record.delivery_opaque;
        if client.client().fatal_error().is_some() {
            return Err(Box::new(Returned { ticket, message, why: Why::Untried }));
        }
        if error.rdkafka_error_code() != Some(Code::QueueFull) {
            let what = format!("sending a record to {:?}", message.topic());
            let _ = ticket.answer.send(Err(errors::failed_send(&what, &error, &line.client_errors)));
            return Ok(());
        }
        thread::sleep(FULL);
    }
}
