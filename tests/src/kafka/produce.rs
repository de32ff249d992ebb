//! Producing: as fast as the broker takes it, and not a record less than it acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::client::partitions;
use super::{RealKafka, Record};

/// How long a record may take, also while its broker is down.
const LIMIT: Duration = Duration::from_mins(3);

/// The broker's answers to the records of one call.
#[derive(Default)]
struct Acks {
    count: AtomicU64,
    failure: Mutex<Option<KafkaError>>,
}

#[derive(Clone, Default)]
struct Counting(Arc<Acks>);

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.0.count.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => {
                let mut failure = self.0.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| error.clone());
            }
        }
    }
}

impl RealKafka {
    /// Produces records and waits until the broker acknowledged them all; says how many there were.
    ///
    /// Idempotent, in order, and keyed as Java does it (`murmur2_random`).
    ///
    /// # Errors
    /// There is no such topic, a record is too large, or the broker does not acknowledge in time.
    pub fn produce<R: Into<Record>>(&self, topic: &str, records: impl IntoIterator<Item = R>) -> Result<u64> {
        // librdkafka itself goes on looking for half a minute.
        partitions(&self.consumer("topics")?, topic)?;
        let acks = Counting::default();
        let mut config = self.client_config();
        config.set("enable.idempotence", "true").set("partitioner", "murmur2_random");
        config.set("linger.ms", "5").set("batch.size", "1000000").set("message.max.bytes", "8000000");
        config.set("message.timeout.ms", LIMIT.as_millis().to_string());
        let producer: ThreadedProducer<_> = config.create_with_context(acks.clone())?;
        let mut sent = 0;
        for record in records {
            send(&producer, topic, &record.into())?;
            sent += 1;
        }
        producer.flush(LIMIT)?;
        if let Some(error) = acks.0.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bail!("a record for {topic} was not accepted: {error}");
        }
        let count = acks.0.count.load(Ordering::Relaxed);
        if count != sent {
            bail!("{count} of {sent} records for {topic} were acknowledged");
        }
        Ok(sent)
    }
}

fn send(producer: &ThreadedProducer<Counting>, topic: &str, record: &Record) -> Result<()> {
    let mut message = BaseRecord::<[u8], [u8]>::to(topic);
    message.key = record.key.as_deref();
    message.payload = record.value.as_deref();
    message.partition = record.partition;
    message.timestamp = record.timestamp;
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        message.headers = Some(headers);
    }
    loop {
        match producer.send(message) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                message = back;
                thread::sleep(Duration::from_millis(1));
            }
            Err((error, _)) => bail!("a record for {topic} cannot be sent: {error}"),
        }
    }
}
