//! The loop that sends: offsets are committed when everything below them is acknowledged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use rdkafka::{
    ClientContext, Message as _,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::RDKafkaErrorCode,
    message::DeliveryResult,
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};

use super::{POLL, SILENCE, config, decode, offsets};
use crate::{
    flight::Delay,
    tally::Tally,
    task::{COMMIT, Task},
};

/// How long the acknowledgement of the last records may take.
const FLUSH: Duration = Duration::from_mins(1);
/// How long to rest while the queue of the client is full.
const FULL: Duration = Duration::from_millis(1);

/// Counts acknowledged records.
struct Acknowledged(Arc<Tally>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    /// The minutes.
    type DeliveryOpaque = Box<i64>;

    fn delivery(&self, result: &DeliveryResult<'_>, minutes: Box<i64>) {
        // A record that is missing in the count makes the run fail.
        if result.is_ok() {
            self.0.count(*minutes);
        }
    }
}

/// Reads the topic to its end.
pub(super) fn run(consumer: &BaseConsumer, task: &Task, tally: Tally) -> Result<Tally> {
    let tally = Arc::new(tally);
    let output = task.output();
    let mut properties = config(task);
    // As healer sends.
    properties.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "5");
    properties.set("partitioner", "murmur2_random");
    let context = Acknowledged(Arc::clone(&tally));
    let producer: ThreadedProducer<_> = properties.create_with_context(context)?;
    let mut next = vec![None; usize::from(task.partitions)];
    let (mut committed, mut heard) = (Instant::now(), Instant::now());
    while !tally.is_complete() {
        if let Some(message) = consumer.poll(POLL) {
            let message = message?;
            tally.begin();
            let delay = Delay::of(decode(message.payload().context("a record without a value")?)?);
            let value = serde_json::to_vec(&delay)?;
            let mut record =
                BaseRecord::<[u8], [u8], _>::with_opaque_to(&output, Box::new(delay.minutes)).payload(&value);
            record.key = message.key();
            while let Err((error, again)) = producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(error.into());
                }
                std::thread::sleep(FULL);
                record = again;
            }
            next[usize::try_from(message.partition())?] = Some(message.offset() + 1);
            heard = Instant::now();
        } else if heard.elapsed() > SILENCE {
            bail!("no record came for {} s", SILENCE.as_secs());
        }
        if committed.elapsed() >= COMMIT {
            committed = Instant::now();
            producer.flush(FLUSH)?;
            consumer.commit(&offsets(&task.topic, &next)?, CommitMode::Async)?;
        }
    }
    consumer.commit(&offsets(&task.topic, &next)?, CommitMode::Sync)?;
    drop(producer);
    Arc::into_inner(tally).ok_or_else(|| anyhow!("the client has ended and still holds the count"))
}
