//! Fills a Kafka with flights, so that there is something to read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use healer::{Config, testing::EmbeddedKafka};
use rdkafka::{
    ClientConfig, ClientContext,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    metadata::MetadataTopic,
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};

use super::{
    data::{self, SAMPLE_SIZE},
    model::Flight,
    options::Options,
};

/// How many partitions the topic of late flights gets.
const LATE_PARTITIONS: u16 = 4;

/// How long the broker may take to create topics, and to acknowledge the last records.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait when the producer's queue is full.
const QUEUE_FULL: Duration = Duration::from_millis(5);

/// Creates both topics in the embedded Kafka and fills the first with the sample, or with the file that was asked for.
/// Returns how many flights that were.
///
/// # Errors
/// The file cannot be read, or holds more than the embedded Kafka is for.
pub fn into_embedded(kafka: &EmbeddedKafka, options: &Options) -> anyhow::Result<u64> {
    let flights = match &options.load {
        None => data::sample()?,
        Some(path) => data::file(path)?,
    };
    ensure!(
        flights.len() <= SAMPLE_SIZE,
        "{} flights are too many for the Kafka inside the process, which is for {SAMPLE_SIZE}: use a real one with `--brokers`",
        flights.len(),
    );
    kafka.create_topic(&options.topic, options.partitions)?;
    kafka.create_topic(&options.late_topic, LATE_PARTITIONS)?;
    let records =
        flights.iter().map(|flight| Ok((flight.tailnum.as_deref(), Some(serde_json::to_vec(flight)?))));
    kafka.produce(&options.topic, records.collect::<serde_json::Result<Vec<_>>>()?)?;
    Ok(flights.len() as u64)
}

/// Creates both topics on the brokers of the configuration and fills the first with the file that was asked for, if one was.
/// Returns how many flights that were.
///
/// # Errors
/// The file cannot be read, the topic holds records already, or the broker does not take them.
pub async fn into_brokers(config: &Config, options: &Options) -> anyhow::Result<Option<u64>> {
    let Some(path) = &options.load else { return Ok(None) };
    let flights = data::file(path)?;
    // The properties of healer's own sinks: idempotent, acknowledged by all replicas, keys placed as Java places them.
    let client: ClientConfig = config.producer_properties().into_iter().collect();
    let topic = options.topic.clone();
    let existed = create_topics(&client, options).await?;
    let produced = tokio::task::spawn_blocking(move || produce(&client, &topic, existed, &flights));
    produced.await?.with_context(|| format!("can't produce to `{}`", options.topic)).map(Some)
}

/// Whether the topic to read existed already.
async fn create_topics(client: &ClientConfig, options: &Options) -> anyhow::Result<bool> {
    let topics = [(&*options.topic, options.partitions), (&*options.late_topic, LATE_PARTITIONS)];
    // As many replicas as the cluster gives by default.
    let new = |&(topic, partitions)| NewTopic::new(topic, i32::from(partitions), TopicReplication::Fixed(-1));
    let new: Vec<NewTopic> = topics.iter().map(new).collect();
    let admin: AdminClient<DefaultClientContext> = client.create()?;
    let wait = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
    let mut existed = false;
    for result in admin.create_topics(&new, &wait).await.context("can't create topics")? {
        match result {
            Ok(_) => {}
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => existed |= topic == options.topic,
            Err((topic, error)) => bail!("can't create the topic `{topic}`: {error}"),
        }
    }
    Ok(existed)
}

fn produce(client: &ClientConfig, topic: &str, existed: bool, flights: &[Flight]) -> anyhow::Result<u64> {
    let acknowledged = Acknowledged::default();
    let producer: ThreadedProducer<_> = client.create_with_context(acknowledged.clone())?;
    // A new topic is empty, and may not have leaders to ask yet.
    if existed {
        must_be_empty(&producer, topic)?;
    }
    for flight in flights {
        let value = serde_json::to_vec(flight)?;
        let mut record = BaseRecord::<str, [u8]>::to(topic).payload(&value);
        record.key = flight.tailnum.as_deref();
        // A full queue is no failure: the broker is slower than we are.
        while let Err((error, again)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = again;
            thread::sleep(QUEUE_FULL);
        }
    }
    producer.flush(PATIENCE)?;
    let acknowledged = acknowledged.0.load(Ordering::Relaxed);
    ensure!(
        acknowledged == flights.len() as u64,
        "{acknowledged} of {} flights were acknowledged",
        flights.len()
    );
    Ok(acknowledged)
}

/// A second load would double every flight.
fn must_be_empty(producer: &ThreadedProducer<Acknowledged>, topic: &str) -> anyhow::Result<()> {
    let metadata = producer.client().fetch_metadata(Some(topic), PATIENCE)?;
    for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
        let (_, end) = producer.client().fetch_watermarks(topic, partition.id(), PATIENCE)?;
        ensure!(
            end == 0,
            "it holds records already: leave out `--load` to read them, or choose another `--topic`"
        );
    }
    Ok(())
}

/// Counts the records that the broker has acknowledged.
#[derive(Clone, Default)]
struct Acknowledged(Arc<AtomicU64>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => drop(self.0.fetch_add(1, Ordering::Relaxed)),
            Err((error, _)) => tracing::error!(%error, "a flight was not delivered"),
        }
    }
}
