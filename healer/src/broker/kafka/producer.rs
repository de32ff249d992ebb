//! Sends records and tells each sender when the broker has acknowledged.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::{DeliveryResult, Header, Message, OwnedHeaders},
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use tokio::sync::oneshot;

use super::{
    errors, lists,
    metadata::{self, bounded},
    properties,
    voice::Voice,
};
use crate::{
    broker::{BrokerError, BrokerErrorKind, Delivery, OutRecord, Producer, SendError},
    context::Headers,
};

/// Where the acknowledgement of one record goes.
type Answer = oneshot::Sender<Result<(), BrokerError>>;

/// The callbacks of a producer.
pub(super) struct Context {
    voice: Voice,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.voice.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.error(&error, reason);
        if self.voice.is_news(reason) {
            tracing::warn!(brokers = self.voice.brokers(), "{reason}; the producer goes on by itself");
        }
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Answer>;

    fn delivery(&self, result: &DeliveryResult<'_>, answer: Box<Answer>) {
        let result = match result {
            Ok(_) => Ok(()),
            Err((error, record)) => {
                let what = format!("sending a record to {}[{}]", record.topic(), record.partition());
                Err(errors::failed_send(&what, error, &self.voice))
            }
        };
        // Whoever no longer listens has given the record up.
        let _ = answer.send(result);
    }
}

/// A producer of a real Kafka, with a thread of its own that takes the acknowledgements.
pub(crate) struct KafkaProducer {
    pub(super) producer: ThreadedProducer<Context>,
}

impl KafkaProducer {
    /// Makes the client. It does not wait for a broker: [`check_topic`](Producer::check_topic) does.
    ///
    /// Properties that belong to consumers are left out, those that the engine relies on are set here.
    pub(crate) fn connect(properties: &BTreeMap<String, String>) -> Result<Self, BrokerError> {
        let voice = Voice::new(properties::brokers(properties)?, None);
        let producer = properties::create(&properties::producer(properties), Context { voice })?;
        Ok(Self { producer })
    }

    pub(super) fn voice(&self) -> &Voice {
        &self.producer.context().voice
    }

    fn refused(&self, topic: &str, error: &KafkaError) -> SendError {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) {
            return SendError::Full;
        }
        let mut error = errors::failed(&format!("sending a record to {topic:?}"), error, self.voice());
        if let Some((_, why)) = self.producer.client().fatal_error() {
            error.kind = BrokerErrorKind::Fatal;
            if !error.text.contains(&why) {
                error.text = format!("{}: {why}", error.text);
            }
        }
        SendError::Failed(error)
    }
}

impl Producer for KafkaProducer {
    fn send(&self, record: &OutRecord<'_>) -> Result<Delivery, SendError> {
        lists::check_name(record.topic).map_err(SendError::Failed)?;
        let (answer, acknowledged) = oneshot::channel();
        let mut out = BaseRecord::<[u8], [u8], _>::with_opaque_to(record.topic, Box::new(answer));
        out.key = record.key;
        out.payload = record.value;
        out.timestamp = record.timestamp;
        out.headers = headers(record.headers);
        self.producer.send(out).map_err(|(error, _)| self.refused(record.topic, &error))?;
        Ok(Box::pin(async {
            match acknowledged.await {
                Ok(result) => result.map_err(SendError::Failed),
                Err(_) => Err(SendError::Failed(BrokerError {
                    kind: BrokerErrorKind::Fatal,
                    text: "the producer was closed before the broker acknowledged the record; it may have arrived"
                        .into(),
                })),
            }
        }))
    }

    fn check_topic(&self, topic: &str, wait: Duration) -> Result<(), BrokerError> {
        let answer = metadata::fetch(self.producer.client(), Some(topic), wait, self.voice(), || {})?;
        metadata::partitions(&answer, topic, self.voice()).map(drop)
    }

    fn flush(&self, budget: Duration) {
        if let Err(error) = self.producer.flush(bounded(budget)) {
            let open = self.producer.in_flight_count();
            tracing::warn!(%error, open, "records are still on their way after {budget:?}");
        }
    }
}

/// Headers as librdkafka takes them.
pub(super) fn headers(headers: &Headers) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(empty, |all, (key, value)| all.insert(Header { key, value })))
}
