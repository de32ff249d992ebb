//! librdkafka's mock cluster in safe, shareable form: the base of the embedded Kafka of `healer::testing`.

mod open;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::Consumer as _,
    error::KafkaError,
    message::{BorrowedMessage, Message},
    producer::{BaseRecord, Producer as _, ThreadedProducer},
    types::RDKafkaErrorCode,
};

use self::open::{Context, Open};
use super::{
    client_errors::{ClientErrors, lock},
    context, errors, metadata, producer, properties, records,
};
use crate::{
    broker::{BrokerError, BrokerErrorKind},
    record::Headers,
};

/// How long anything on the same machine may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to rest while the producer's queue is full.
const FULL: Duration = Duration::from_millis(1);
/// A group that reads back the records of a topic; it never commits.
const READER: &str = "healer-embedded-reader";

/// A record for one partition.
pub(crate) struct MockRecord {
    pub(crate) partition: i32,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
    pub(crate) timestamp: Option<i64>,
}

/// A record as it was read back.
pub(crate) struct MockReceived {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
    pub(crate) timestamp: Option<i64>,
}

/// A cluster of one broker in this process, on a free port of the loopback interface.
pub(crate) struct MockKafka {
    // The cluster belongs to a client: unlike one of its own, it can be shared between threads.
    client: ThreadedProducer<Context>,
    brokers: String,
}

/// The ids of all clusters of this process. Each is made of an address in memory, which a later cluster may be given again.
static IDS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl MockKafka {
    /// Starts a cluster whose id no other one of this process has or had: things kept of another must not be taken for its own.
    pub(crate) fn start() -> Result<Self, BrokerError> {
        let mut taken = Vec::new();
        loop {
            let mock = Self::start_one()?;
            let id = mock.client.client().fetch_cluster_id(PATIENCE).unwrap_or_default();
            if id.is_empty() || lock(&IDS).insert(id) {
                return Ok(mock);
            }
            // While it lives, the next one lies elsewhere.
            taken.push(mock);
        }
    }

    fn start_one() -> Result<Self, BrokerError> {
        let properties: BTreeMap<String, String> = [
            ("test.mock.num.brokers", "1"),
            ("client.id", "healer-embedded"),
            ("allow.auto.create.topics", "false"),
            ("linger.ms", "1"),
            // As much as a partition holds.
            ("message.max.bytes", "5000000"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let client_errors = ClientErrors::new("embedded", None);
        let client: ThreadedProducer<Context> = properties::create(&properties, Context { client_errors })?;
        let brokers = client.client().mock_cluster().map(|cluster| cluster.bootstrap_servers());
        let brokers = brokers.ok_or_else(|| BrokerError {
            kind: BrokerErrorKind::Fatal,
            text: "the embedded Kafka did not start: librdkafka made no cluster".into(),
        })?;
        Ok(Self { client, brokers })
    }

    pub(crate) fn brokers(&self) -> &str {
        &self.brokers
    }

    fn failed(&self, what: &str, error: &KafkaError) -> BrokerError {
        errors::failed(what, error, &self.client.context().client_errors)
    }

    pub(crate) fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), BrokerError> {
        super::lists::check_name(topic)?;
        self.with_cluster(|cluster| cluster.create_topic(topic, partitions, 1))
            .map_err(|error| self.failed(&format!("creating topic {topic:?}"), &error))
    }

    /// Hangs up on all clients and lets none in, or lets them in again. Written records stay.
    pub(crate) fn set_down(&self, down: bool) -> Result<(), BrokerError> {
        let switch = |cluster: &rdkafka::mocking::MockCluster<'_, Context>| {
            if down { cluster.broker_down(-1) } else { cluster.broker_up(-1) }
        };
        self.with_cluster(switch).map_err(|error| self.failed("taking the broker down or up", &error))
    }

    /// Reaches the cluster itself.
    pub(super) fn with_cluster<T>(
        &self,
        then: impl FnOnce(&rdkafka::mocking::MockCluster<'_, Context>) -> Result<T, KafkaError>,
    ) -> Result<T, KafkaError> {
        match self.client.client().mock_cluster() {
            Some(cluster) => then(&cluster),
            None => Err(KafkaError::MockCluster(RDKafkaErrorCode::Fail)),
        }
    }

    /// The partitions of a topic; an error that names the topic if it does not exist.
    pub(crate) fn partitions(&self, topic: &str) -> Result<Vec<i32>, BrokerError> {
        let client_errors = &self.client.context().client_errors;
        let answer = metadata::fetch(self.client.client(), Some(topic), PATIENCE, client_errors, || {})?;
        metadata::partitions(&answer, topic, client_errors)
    }

    /// Sends all and waits for all acknowledgements.
    pub(crate) fn send(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = MockRecord>,
    ) -> Result<(), BrokerError> {
        let what = format!("producing to {topic:?}");
        let open = Arc::new(Open::default());
        let mut sent = Ok(());
        for record in records {
            open.sent();
            if let Err(error) = self.enqueue(topic, &record, &open) {
                open.done(None);
                sent = Err(error);
                break;
            }
        }
        let acknowledged = open.wait(PATIENCE);
        sent.and(acknowledged).map_err(|error| self.failed(&what, &error))
    }

    fn enqueue(&self, topic: &str, record: &MockRecord, open: &Arc<Open>) -> Result<(), KafkaError> {
        let mut out = BaseRecord::<[u8], [u8], _>::with_opaque_to(topic, Arc::clone(open));
        out.partition = Some(record.partition);
        out.key = record.key.as_deref();
        out.payload = record.value.as_deref();
        out.timestamp = record.timestamp;
        out.headers = producer::headers(&record.headers);
        let end = Instant::now() + PATIENCE;
        loop {
            match self.client.send(out) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < end =>
                {
                    out = back;
                    std::thread::sleep(FULL);
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// First and next offset of each partition.
    pub(crate) fn watermarks(&self, topic: &str) -> Result<BTreeMap<i32, (i64, i64)>, BrokerError> {
        let mut marks = BTreeMap::new();
        for partition in self.partitions(topic)? {
            marks.insert(partition, self.watermarks_of(topic, partition)?);
        }
        Ok(marks)
    }

    /// First and next offset of a partition.
    pub(crate) fn watermarks_of(&self, topic: &str, partition: i32) -> Result<(i64, i64), BrokerError> {
        let answer = self.client.client().fetch_watermarks(topic, partition, PATIENCE);
        answer.map_err(|error| self.failed(&format!("asking for the end of {topic}[{partition}]"), &error))
    }

    /// The offsets that a group has committed; partitions without an offset are left out.
    pub(crate) fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>, BrokerError> {
        let what = format!("asking what group {group:?} has committed for {topic:?}");
        let consumer = self.consumer(group)?;
        let mut list = TopicPartitionList::new();
        for partition in self.partitions(topic)? {
            list.add_partition(topic, partition);
        }
        let answer =
            consumer.committed_offsets(list, PATIENCE).map_err(|error| self.failed(&what, &error))?;
        let mut committed = BTreeMap::new();
        for entry in answer.elements() {
            entry.error().map_err(|error| self.failed(&what, &error))?;
            if let Offset::Offset(offset) = entry.offset() {
                committed.insert(entry.partition(), offset);
            }
        }
        Ok(committed)
    }

    /// All records of a topic, by partition and offset.
    pub(crate) fn read(&self, topic: &str) -> Result<Vec<MockReceived>, BrokerError> {
        let what = format!("reading {topic:?} back");
        let consumer = self.consumer(READER)?;
        let mut list = TopicPartitionList::new();
        let mut open = BTreeMap::new();
        for (partition, (first, end)) in self.watermarks(topic)? {
            if first < end {
                open.insert(partition, end);
                list.add_partition_offset(topic, partition, Offset::Offset(first))
                    .map_err(|error| self.failed(&what, &error))?;
            }
        }
        consumer.assign(&list).map_err(|error| self.failed(&what, &error))?;
        let mut received = Vec::new();
        let mut end = Instant::now() + PATIENCE;
        while !open.is_empty() {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    if open.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
                        open.remove(&message.partition());
                    }
                    received.push(receive(&message));
                    end = Instant::now() + PATIENCE;
                }
                Some(Err(error)) => {
                    return Err(errors::failed(&what, &error, &consumer.context().client_errors));
                }
                None if Instant::now() > end => {
                    let client_errors = &self.client.context().client_errors;
                    return Err(errors::failed_with(
                        &what,
                        RDKafkaErrorCode::OperationTimedOut,
                        client_errors,
                    ));
                }
                None => {}
            }
        }
        received.sort_by_key(|record| (record.partition, record.offset));
        Ok(received)
    }

    fn consumer(&self, group: &str) -> Result<context::Consumer, BrokerError> {
        let asked = [("bootstrap.servers", self.brokers()), ("group.id", group)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let client_errors = ClientErrors::new(self.brokers(), Some(group));
        properties::create(&properties::consumer(&asked), context::Context::new(client_errors))
    }
}

fn receive(message: &BorrowedMessage<'_>) -> MockReceived {
    let mut headers = Headers::new();
    records::headers(message, &mut headers);
    MockReceived {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
        timestamp: message.timestamp().to_millis(),
    }
}
