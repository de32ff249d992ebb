//! The consumer's callbacks: they note events, and the poll thread answers later.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    types::{RDKafkaErrorCode, RDKafkaRespErr},
};

use super::{
    client_errors::{ClientErrors, lock},
    codes, errors, lists,
};
use crate::broker::{BrokerErrorKind, Event, TopicPartition};

/// A consumer that answers rebalances later.
pub(super) type Consumer = BaseConsumer<Context>;

/// A rebalance that librdkafka waits for an answer to; it delivers nothing until then.
#[derive(Debug)]
pub(super) enum Owed {
    Assign,
    Unassign(Vec<TopicPartition>),
}

/// The notes that the callbacks leave behind.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) client_errors: ClientErrors,
    events: Mutex<VecDeque<Event>>,
    owed: Mutex<Option<Owed>>,
    closing: AtomicBool,
}

impl Context {
    pub(super) fn new(client_errors: ClientErrors) -> Self {
        Self {
            client_errors,
            events: Mutex::default(),
            owed: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// All that happened since the last call, oldest first.
    pub(super) fn take_events(&self) -> Vec<Event> {
        mem::take(&mut *lock(&self.events)).into()
    }

    /// Whether a rebalance waits for an answer.
    pub(super) fn is_owed(&self) -> bool {
        lock(&self.owed).is_some()
    }

    /// The rebalance that was not answered yet; it counts as answered now.
    pub(super) fn take_owed(&self) -> Option<Owed> {
        lock(&self.owed).take()
    }

    /// From now on rebalances are answered at once, with nothing to keep.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Turns an error that came instead of a record into an event. True where reading on would pass over records.
    pub(super) fn failed(&self, error: &KafkaError, fatal: impl Fn() -> Option<String>) -> bool {
        let Some(code) = error.rdkafka_error_code() else {
            return false; // the end of a partition
        };
        if codes::is_out_of_range(code) {
            let reason = self.client_errors.reason(code).unwrap_or_else(|| code.to_string());
            let text = format!(
                "an offset that was asked for does not exist: {reason} ({})",
                self.client_errors.place()
            );
            self.push(Event::OutOfRange(text));
            return true;
        }
        let mut error = errors::failed_with("reading", code, &self.client_errors);
        if let Some(why) = fatal() {
            error.kind = BrokerErrorKind::Fatal;
            if !error.text.contains(&why) {
                error.text = format!("{}: {why}", error.text);
            }
        } else if codes::is_silence(code) || code == RDKafkaErrorCode::SSL {
            // The client goes on trying; a broker that restarts breaks handshakes off as well.
            error.kind = BrokerErrorKind::Transient;
        }
        if error.kind == BrokerErrorKind::Transient {
            let reason = self.client_errors.reason(code).unwrap_or_else(|| code.to_string());
            if !self.client_errors.is_news(&reason) {
                return false;
            }
            // That nobody answers is told once.
            if !self.client_errors.is_out() {
                tracing::warn!("{error}");
            }
        }
        let serious = matches!(error.kind, BrokerErrorKind::Fatal | BrokerErrorKind::MissingCodec);
        self.push(Event::Error(error));
        serious
    }

    fn push(&self, event: Event) {
        lock(&self.events).push_back(event);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.client_errors.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client_errors.error(&error, reason);
    }

    /// The property `statistics.interval.ms` has no effect here: healer measures by itself.
    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &Consumer, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Acquire) {
            // A client that terminates takes every answer for this one.
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "the last assignment was not given back");
            }
            return;
        }
        let partitions = lists::partitions(list);
        let (event, owed) = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                (Event::Assigned(partitions), Owed::Assign)
            }
            _ if consumer.assignment_lost() => (Event::Lost(partitions.clone()), Owed::Unassign(partitions)),
            _ => (Event::Revoked(partitions.clone()), Owed::Unassign(partitions)),
        };
        *lock(&self.owed) = Some(owed);
        self.push(event);
    }
}
