//! Sends records and tells each sender when the broker has acknowledged.
//!
//! The order of a partition is kept through every refusal: the client stops for good at the first batch that the broker does not
//! take (`enable.gapless.guarantee`), so nothing behind it can arrive before it. Then [`mend`] takes back all that was not
//! delivered, and sends it on in its order with a new client. Records of a topic that has refused a batch go through a second
//! client, one a batch: the one that fails there is the one at fault, is not sent again, and the client keeps the order of the others.
//!
//! **A batch that is refused** has a record at fault, and the broker does not say which. The client stops there for good
//! (`enable.gapless.guarantee`): nothing behind a gap can arrive before the missing record. `broker/kafka/producer` takes back
//! the records that were not delivered (the answers to those on their way are awaited first, so that nothing is sent twice),
//! numbers give the order of sending, new records wait behind it, and a new client sends it. The topic's records go one a batch
//! from then on, through a second client: a record that fails there is at fault, is not sent again, and its followers librdkafka
//! sends again in order, since no later sequence number was taken. A topic keeps its client until nothing of it is left in the
//! other, so both together keep the order as well.
//!
//! **A client that lost track** of its sequence numbers (a log of the output that was cut, an unclean election) is replaced in
//! the same way, with a warning: records that were on their way then may be there twice, as after a restart. Ending would be the
//! same with more work.

mod client;
mod line;
mod mend;
mod returned;
mod trouble;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::Producer as _,
};
use tokio::sync::oneshot;

pub(super) use self::client::Client;
use self::line::{Life, Line};
use super::{
    client_errors::ClientErrors,
    metadata::{self, bounded},
    properties,
};
use crate::{
    broker::{BrokerError, BrokerErrorKind, Delivery, OutRecord, Producer, SendError, is_topic},
    record::Headers,
};

/// Where the acknowledgement of one record goes.
type Answer = oneshot::Sender<Result<(), BrokerError>>;

/// The data that comes back with a record: its place among all that were sent, its time (the client does not tell it of
/// records that it did not deliver), and its sender.
pub(super) struct Ticket {
    number: u64,
    timestamp: Option<i64>,
    answer: Answer,
}

/// A producer of a real Kafka, with threads of its own that take the acknowledgements.
pub(crate) struct KafkaProducer {
    line: Arc<Line>,
}

impl KafkaProducer {
    /// Makes the client. It does not wait for a broker: [`check_topic`](Producer::check_topic) does.
    ///
    /// Properties that belong to consumers are left out, those that the engine relies on are set here. A record that is not
    /// acknowledged in time (`message.timeout.ms`) has failed.
    pub(crate) fn connect(properties: &BTreeMap<String, String>) -> Result<Self, BrokerError> {
        let life =
            if properties.contains_key("transactional.id") { Life::Transactional } else { Life::Timed };
        Self::with(properties, life)
    }

    /// As [`connect`](Self::connect), for a pipeline: a record waits for its acknowledgement as long as it takes.
    pub(crate) fn endless(properties: &BTreeMap<String, String>) -> Result<Self, BrokerError> {
        Self::with(properties, Life::Endless)
    }

    fn with(properties: &BTreeMap<String, String>, life: Life) -> Result<Self, BrokerError> {
        let client_errors = ClientErrors::new(properties::brokers(properties)?, None);
        Ok(Self { line: Line::new(properties::producer(properties), life, client_errors)? })
    }

    /// The client that sends in batches.
    pub(super) fn client(&self) -> Result<Arc<Client>, BrokerError> {
        self.line.client(client::Batches::Whole)
    }

    pub(super) fn client_errors(&self) -> &ClientErrors {
        &self.line.client_errors
    }
}

impl Producer for KafkaProducer {
    fn send(&self, record: &OutRecord<'_>) -> Result<Delivery, SendError> {
        check_target(record.topic).map_err(SendError::Failed)?;
        let (answer, acknowledged) = oneshot::channel();
        let (number, timestamp) = (self.line.next_number(), record.timestamp);
        let ticket = Box::new(Ticket { number, timestamp, answer });
        self.line.put(record, ticket)?;
        Ok(Box::pin(async {
            match acknowledged.await {
                Ok(result) => result.map_err(SendError::Failed),
                Err(_) => Err(SendError::Failed(closed())),
            }
        }))
    }

    fn check_topic(&self, topic: &str, wait: Duration) -> Result<(), BrokerError> {
        let client = self.client()?;
        let answer = metadata::fetch(client.client(), Some(topic), wait, self.client_errors(), || {})?;
        metadata::partitions(&answer, topic, self.client_errors()).map(drop)
    }

    fn flush(&self, budget: Duration) {
        let until = Instant::now() + budget;
        for client in self.line.clients() {
            let left = until.saturating_duration_since(Instant::now());
            if let Err(error) = client.flush(bounded(left)) {
                let open = client.in_flight_count();
                tracing::warn!(%error, open, "records are given up that are still on their way; they may have arrived");
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        self.line.trouble()
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        self.line.close();
    }
}

fn closed() -> BrokerError {
    BrokerError {
        kind: BrokerErrorKind::Fatal,
        text: "the producer was closed before the broker acknowledged the record; it may have arrived".into(),
    }
}

/// Topics that no Kafka has. The name may come from a record, and the client would ask the brokers for it again and again.
fn check_target(topic: &str) -> Result<(), BrokerError> {
    if is_topic(topic) {
        return Ok(());
    }
    let shown: String = topic.chars().take(60).collect();
    let text = format!(
        "sending a record failed: {shown:?} ({} bytes) is no topic name: it has 1 to 249 letters, digits, `.`, `_` and `-`, and is \
         neither `.` nor `..`; correct the name",
        topic.len()
    );
    Err(BrokerError { kind: BrokerErrorKind::Rejected, text })
}

/// Headers as librdkafka takes them.
pub(super) fn headers(headers: &Headers) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let empty = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(empty, |all, (key, value)| all.insert(Header { key, value })))
}
