//! Against librdkafka's mock cluster.

mod asking;
mod failing;
mod group;
mod outage;
mod reading;
mod refusing;
mod sending;
mod wire;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    KafkaBroker, KafkaProducer,
    mock::{MockKafka, MockRecord},
};
use crate::{
    broker::{Assignment, Broker, Event, RecordRef, Source as _, TopicPartition, Topics},
    record::Headers,
};

const WAIT: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(50);

fn kafka(topics: &[(&str, i32)]) -> MockKafka {
    let kafka = MockKafka::start().expect("the mock starts");
    for (topic, partitions) in topics {
        kafka.create_topic(topic, *partitions).expect("the topic is created");
    }
    kafka
}

fn properties<const N: usize>(brokers: &str, more: [(&str, &str); N]) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::from([("bootstrap.servers".to_owned(), brokers.to_owned())]);
    properties.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
    properties
}

fn member<const N: usize>(kafka: &MockKafka, more: [(&str, &str); N]) -> KafkaBroker {
    let mut properties = properties(kafka.brokers(), [("group.id", "g"), ("group.protocol", "consumer")]);
    properties.extend(more.map(|(key, value)| (key.to_owned(), value.to_owned())));
    KafkaBroker::connect(&properties).expect("the consumer is made")
}

fn named(topic: &str) -> Vec<Topics> {
    vec![Topics::Named(vec![topic.into()])]
}

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

fn put(kafka: &MockKafka, topic: &str, partition: i32, values: impl IntoIterator<Item = u32>) {
    let records = values.into_iter().map(|value| MockRecord {
        partition,
        key: Some(format!("k{value}").into_bytes()),
        value: Some(value.to_string().into_bytes()),
        headers: Headers::new(),
        timestamp: None,
    });
    kafka.send(topic, records).expect("the mock takes the records");
}

/// A record that outlives its chunk.
#[derive(Debug, PartialEq, Eq)]
struct Owned {
    slot: u32,
    offset: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    timestamp: Option<i64>,
    headers: Headers,
}

impl Owned {
    fn of(record: &RecordRef<'_>) -> Self {
        let mut headers = Headers::new();
        record.headers.read(&mut headers);
        Self {
            slot: record.slot,
            offset: record.offset,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            timestamp: record.timestamp,
            headers,
        }
    }
}

/// The records and events that a member saw.
#[derive(Default)]
struct Seen {
    records: Vec<Owned>,
    events: Vec<Event>,
}

impl Seen {
    fn assigned(&self) -> Option<&[TopicPartition]> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Assigned(list) if !list.is_empty() => Some(list.as_slice()),
            _ => None,
        })
    }

    fn revoked(&self) -> Option<&[TopicPartition]> {
        self.events.iter().find_map(|event| match event {
            Event::Revoked(list) if !list.is_empty() => Some(list.as_slice()),
            _ => None,
        })
    }
}

fn step(broker: &mut KafkaBroker, seen: &mut Seen) {
    broker.source().poll(512, TICK, &mut |records| {
        seen.records.extend(records.iter().map(Owned::of));
    });
    seen.events.extend(broker.events());
}

/// Polls until something is true, and fails loudly when it never is.
fn drive(broker: &mut KafkaBroker, what: &str, mut until: impl FnMut(&Seen) -> bool) -> Seen {
    let mut seen = Seen::default();
    let end = Instant::now() + WAIT;
    while !until(&seen) {
        assert!(Instant::now() < end, "{what} did not happen; events: {:?}", seen.events);
        step(broker, &mut seen);
    }
    seen
}

/// Slots are partition numbers plus a hundred.
fn at(partitions: &[TopicPartition], offset: i64) -> Vec<Assignment> {
    let slot = |p: &TopicPartition| u32::try_from(p.partition + 100).expect("small");
    partitions.iter().map(|p| Assignment { partition: p.clone(), slot: slot(p), offset }).collect()
}

/// Joins and takes everything from the given offset.
fn join(broker: &mut KafkaBroker, topic: &str, offset: i64) -> Vec<TopicPartition> {
    broker.subscribe(&named(topic)).expect("subscribed");
    let seen = drive(broker, "the assignment", |seen| seen.assigned().is_some());
    let mut partitions = seen.assigned().unwrap_or_default().to_vec();
    partitions.sort();
    broker.assign(&at(&partitions, offset)).expect("assigned");
    partitions
}

fn producer<const N: usize>(kafka: &MockKafka, more: [(&str, &str); N]) -> KafkaProducer {
    KafkaProducer::connect(&properties(kafka.brokers(), more)).expect("the producer is made")
}

fn arc(name: &str) -> Arc<str> {
    name.into()
}
