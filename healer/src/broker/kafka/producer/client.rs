//! One client of librdkafka, and its callbacks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::{DeliveryResult, Message as _},
    producer::{ProducerContext, ThreadedProducer},
};

use super::{
    Ticket, closed,
    line::{Life, Line},
    returned::Returned,
};
use crate::broker::{
    BrokerError,
    kafka::{client_errors::ClientErrors, codes, properties},
};

pub(in crate::broker::kafka) type Client = ThreadedProducer<Context>;

/// How a client puts records together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker::kafka) enum Batches {
    /// As many as there are and fit.
    Whole,
    /// One record each: a refusal is the fault of that record.
    Single,
}

/// The callbacks of a client.
pub(in crate::broker::kafka) struct Context {
    batches: Batches,
    client_errors: Arc<ClientErrors>,
    line: Weak<Line>,
}

/// Makes a client.
pub(super) fn make(line: &Arc<Line>, batches: Batches) -> Result<Client, BrokerError> {
    let context =
        Context { batches, client_errors: Arc::clone(&line.client_errors), line: Arc::downgrade(line) };
    properties::create(&settings(&line.properties, line.life, batches), context)
}

/// Properties that give a record up after a time or a number of tries.
const ENDS: [&str; 4] = ["message.timeout.ms", "delivery.timeout.ms", "message.send.max.retries", "retries"];

fn settings(asked: &BTreeMap<String, String>, life: Life, batches: Batches) -> BTreeMap<String, String> {
    let mut properties = asked.clone();
    if batches == Batches::Single {
        properties.insert("batch.num.messages".to_owned(), "1".to_owned());
        // Records on their way behind a record at fault are refused with it, and sent again by the client after this time.
        properties.remove("retry.backoff.max.ms");
        properties.insert("retry.backoff.ms".to_owned(), "10".to_owned());
    } else if life != Life::Transactional {
        properties.insert("enable.gapless.guarantee".to_owned(), "true".to_owned());
    }
    if life == Life::Endless {
        // Under any of their names these would end records that may still be acknowledged.
        let bare = |name: &str| name.strip_prefix("topic.").unwrap_or(name).to_owned();
        properties.retain(|name, _| !ENDS.contains(&&*bare(name)));
        properties.insert("message.timeout.ms".to_owned(), "0".to_owned());
        // Tells whether brokers throttle; it is only looked at while a record waits.
        properties.entry("statistics.interval.ms".to_owned()).or_insert_with(|| "5000".to_owned());
    }
    properties
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // The mending of the line tells why a client ended, and the property is set by healer itself.
        let ours = facility == "FATAL" || line.contains("enable.gapless.guarantee");
        let level = if ours { RDKafkaLogLevel::Debug } else { level };
        self.client_errors.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client_errors.error(&error, reason);
        let has_ended = error.rdkafka_error_code().is_some_and(codes::is_of_client);
        if has_ended && let Some(line) = self.line.upgrade() {
            line.ended();
        } else if self.client_errors.is_news(reason) {
            tracing::warn!(
                brokers = self.client_errors.brokers(),
                "{reason}; the producer goes on by itself"
            );
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        if let Some(line) = self.line.upgrade() {
            line.keep_statistics(self.batches, statistics);
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let (error, record) = match result {
            // A sender that no longer listens has given the record up.
            Ok(_) => return drop(ticket.answer.send(Ok(()))),
            Err(failed) => (&failed.0, &failed.1),
        };
        let Some(line) = self.line.upgrade() else {
            return drop(ticket.answer.send(Err(closed())));
        };
        let what = format!("sending a record to {}[{}]", record.topic(), record.partition());
        match line.judge(&what, error, self.batches) {
            Ok(why) => line.take_back(Returned::of_delivery(record, ticket, why)),
            Err(error) => drop(ticket.answer.send(Err(error))),
        }
    }
}
