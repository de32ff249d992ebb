//! A Kafka inside the process, for tests and first steps.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use super::{
    error::{EmbeddedError, MOST_BYTES},
    record::{Received, TestRecord},
};
use crate::broker::{
    BrokerErrorKind,
    kafka::mock::{MockKafka, MockRecord},
};

/// The most bytes that a record takes beside its own, were it sent alone: batch header and lengths.
const RECORD_OVERHEAD: u64 = 100;
/// The same for a header.
const HEADER_OVERHEAD: u64 = 10;

/// A Kafka of one broker inside the process (librdkafka's mock cluster), on a free port of the loopback interface; gone
/// when it is dropped.
///
/// All methods block, for milliseconds, and use no asynchronous runtime: they may be called from inside one (with
/// `tokio::task::spawn_blocking` where its thread must not be held).
///
/// It is no Kafka: it keeps 5 MiB a partition, as they are sent, and drops the oldest records beyond that. There is no setting to raise
/// it; the ways out are more partitions, producers that compress (`compression.type`), and [a real Kafka](super#a-real-kafka).
/// [`produce`](Self::produce) refuses more with [`EmbeddedError::Full`]. *Other* producers, such as the sinks of a pipeline, can
/// send more, and the loss is silent until somebody looks: `produce` and [`records`](Self::records) then give
/// [`EmbeddedError::Dropped`], and a pipeline that would read the lost records ends with
/// [`StartError::Dropped`](crate::StartError::Dropped), or logs a warning where it goes on without them.
///
/// It knows no transactions, no time index, no compaction, no rights. A member joins a group in a tenth of a second with `group.protocol=consumer`
/// and in three seconds with `classic`, since the mock waits that long for further members of an empty group.
///
/// ```
/// use healer::testing::EmbeddedKafka;
///
/// let kafka = EmbeddedKafka::start()?;
/// kafka.create_topic("flights", 4)?;
/// kafka.produce("flights", (0..10).map(|n| (Some(format!("N{n}")), Some(format!("{{\"id\":{n}}}")))))?;
///
/// assert_eq!(kafka.end_offsets("flights")?.values().sum::<i64>(), 10);
/// assert_eq!(kafka.records("flights")?.len(), 10);
/// assert!(kafka.committed("my-group", "flights")?.is_empty());
/// assert_eq!(kafka.lag("my-group", "flights")?, 10);
/// # Ok::<(), healer::testing::EmbeddedError>(())
/// ```
pub struct EmbeddedKafka {
    mock: MockKafka,
    filled: Mutex<HashMap<(String, i32), Fill>>,
    /// Where the last record without a key went.
    last: Mutex<usize>,
}

/// The records and bytes that were put into a partition.
#[derive(Clone, Copy, Debug, Default)]
struct Fill {
    records: u64,
    bytes: u64,
}

impl EmbeddedKafka {
    /// Starts a broker.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Failed`] when the machine has no free port or no threads left.
    pub fn start() -> Result<Self, EmbeddedError> {
        Ok(Self { mock: MockKafka::start()?, filled: Mutex::default(), last: Mutex::default() })
    }

    /// The value for `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        self.mock.brokers()
    }

    /// Hangs up on all clients and lets none in until [`come_back`](Self::come_back). Records that were written stay; this
    /// broker's own methods wait for it to come back.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Failed`] if the broker does not obey.
    pub fn go_down(&self) -> Result<(), EmbeddedError> {
        Ok(self.mock.set_down(true)?)
    }

    /// Lets clients in again.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Failed`] if the broker does not obey.
    pub fn come_back(&self) -> Result<(), EmbeddedError> {
        Ok(self.mock.set_down(false)?)
    }

    /// Creates a topic. Nothing creates one by itself.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Failed`] when it exists, or with no partitions.
    pub fn create_topic(&self, topic: &str, partitions: u16) -> Result<(), EmbeddedError> {
        Ok(self.mock.create_topic(topic, partitions.into())?)
    }

    /// Produces records and waits for all acknowledgements.
    ///
    /// Takes [`TestRecord`]s or `(Option<key>, Option<value>)` pairs; all of them are collected before the first is
    /// sent. A key chooses the partition as Java producers do (`murmur2`); records without a key go round the partitions.
    ///
    /// ```
    /// use healer::testing::{EmbeddedKafka, TestRecord};
    ///
    /// let kafka = EmbeddedKafka::start()?;
    /// kafka.create_topic("flights", 2)?;
    /// kafka.produce("flights", [TestRecord::new().value("{}").partition(1).header("trace", Some("a1"))])?;
    ///
    /// let records = kafka.records("flights")?;
    /// assert_eq!((records[0].partition, records[0].offset), (1, 0));
    /// assert_eq!(records[0].headers.get("trace"), Some(b"a1".as_slice()));
    /// # Ok::<(), healer::testing::EmbeddedError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Full`] when the records that were produced here would exceed the room of a partition, each counted as if
    /// it were sent alone (nothing is sent then); [`EmbeddedError::Dropped`] when others sent so much that the partition lost
    /// records; [`EmbeddedError::UnknownTopic`], [`EmbeddedError::UnknownPartition`].
    pub fn produce<R: Into<TestRecord>>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = R>,
    ) -> Result<(), EmbeddedError> {
        let partitions = self.partitions(topic)?;
        let records = records.into_iter().map(|record| self.place(topic, &partitions, record.into()));
        let records = records.collect::<Result<Vec<MockRecord>, EmbeddedError>>()?;
        let filled = self.fill(topic, &records)?;
        self.mock.send(topic, records)?;
        filled.into_iter().try_for_each(|partition| {
            let (first, _) = self.mock.watermarks_of(topic, partition)?;
            is_whole(topic, partition, first)
        })
    }

    /// The next offset of each partition.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::UnknownTopic`].
    pub fn end_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>, EmbeddedError> {
        self.partitions(topic)?;
        Ok(self.mock.watermarks(topic)?.into_iter().map(|(partition, (_, end))| (partition, end)).collect())
    }

    /// The committed offsets of a group, by partition; partitions without one are left out.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::UnknownTopic`].
    pub fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>, EmbeddedError> {
        self.partitions(topic)?;
        Ok(self.mock.committed(group, topic)?)
    }

    /// How many offsets a group is behind the ends of a topic, a partition without a committed offset counting whole.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::UnknownTopic`].
    pub fn lag(&self, group: &str, topic: &str) -> Result<i64, EmbeddedError> {
        let committed = self.committed(group, topic)?;
        let marks = self.mock.watermarks(topic)?;
        Ok(marks
            .into_iter()
            .map(|(partition, (first, end))| end - committed.get(&partition).copied().unwrap_or(first))
            .sum())
    }

    /// All records of a topic, by partition and offset.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::UnknownTopic`]; [`EmbeddedError::Dropped`] when more was sent than the mock keeps.
    pub fn records(&self, topic: &str) -> Result<Vec<Received>, EmbeddedError> {
        self.partitions(topic)?;
        for (partition, (first, _)) in self.mock.watermarks(topic)? {
            is_whole(topic, partition, first)?;
        }
        let records = self.mock.read(topic)?;
        Ok(records
            .into_iter()
            .map(|record| Received {
                partition: record.partition,
                offset: record.offset,
                key: record.key,
                value: record.value,
                headers: record.headers,
                timestamp: record.timestamp,
            })
            .collect())
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, EmbeddedError> {
        self.mock.partitions(topic).map_err(|error| match error.kind {
            BrokerErrorKind::UnknownTopic => EmbeddedError::UnknownTopic { topic: topic.into() },
            _ => error.into(),
        })
    }

    fn place(
        &self,
        topic: &str,
        partitions: &[i32],
        record: TestRecord,
    ) -> Result<MockRecord, EmbeddedError> {
        let partition =
            record.place(partitions.len(), &mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
        if !partitions.contains(&partition) {
            let partitions = partitions.len();
            return Err(EmbeddedError::UnknownPartition { topic: topic.into(), partition, partitions });
        }
        let TestRecord { key, value, headers, timestamp, .. } = record;
        Ok(MockRecord { partition, key, value, headers, timestamp })
    }

    /// Counts the records in, or refuses all of them; the partitions that they are for.
    fn fill(&self, topic: &str, records: &[MockRecord]) -> Result<Vec<i32>, EmbeddedError> {
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after: BTreeMap<i32, Fill> = BTreeMap::new();
        for record in records {
            let fill = after.entry(record.partition).or_insert_with(|| {
                filled.get(&(topic.to_owned(), record.partition)).copied().unwrap_or_default()
            });
            fill.records += 1;
            fill.bytes += size(record);
        }
        if let Some((partition, fill)) = after.iter().find(|(_, fill)| fill.bytes > MOST_BYTES) {
            return Err(EmbeddedError::Full {
                topic: topic.into(),
                partition: *partition,
                records: fill.records,
                bytes: fill.bytes,
            });
        }
        let partitions = after.keys().copied().collect();
        filled.extend(after.into_iter().map(|(partition, fill)| ((topic.to_owned(), partition), fill)));
        Ok(partitions)
    }
}

/// Nothing deletes records here but the mock itself.
fn is_whole(topic: &str, partition: i32, first: i64) -> Result<(), EmbeddedError> {
    if first > 0 { Err(EmbeddedError::Dropped { topic: topic.into(), partition, first }) } else { Ok(()) }
}

/// How much room a record takes at most.
fn size(record: &MockRecord) -> u64 {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
    let headers: u64 = record
        .headers
        .iter()
        .map(|(name, value)| {
            HEADER_OVERHEAD + name.len() as u64 + value.map_or(0, |value| value.len() as u64)
        })
        .sum();
    RECORD_OVERHEAD + bytes(&record.key) + bytes(&record.value) + headers
}
