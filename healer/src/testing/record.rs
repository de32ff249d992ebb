//! Records that go in and come out of the embedded Kafka.

use serde::de::DeserializeOwned;

use super::partitioner::partition_of;
use crate::{CodecError, codec::read_json, record::Headers};

/// A record to produce: [`EmbeddedKafka::produce`](super::EmbeddedKafka::produce) also takes plain
/// `(Option<key>, Option<value>)` pairs.
///
/// ```
/// use healer::testing::TestRecord;
///
/// let record = TestRecord::new()
///     .key("N12345")
///     .value(r#"{"dep_time": 517}"#)
///     .header("trace", Some("a1"))
///     .partition(2)
///     .timestamp(1_357_034_220_000);
/// let tombstone = TestRecord::new().key("N12345");
/// # let _ = (record, tombstone);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRecord {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Headers,
    pub(super) partition: Option<i32>,
    pub(super) timestamp: Option<i64>,
}

impl TestRecord {
    /// A record without key, value and headers; one without a value is a tombstone.
    pub fn new() -> Self {
        Self::default()
    }

    /// The key; it chooses the partition unless [`partition`](Self::partition) does.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The value; empty bytes are a value too.
    pub fn value(mut self, value: impl Into<Vec<u8>>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Appends a header; one of the same name stays.
    pub fn header(mut self, name: impl Into<String>, value: Option<impl Into<Vec<u8>>>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The partition, regardless of the key.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Milliseconds since 1970; the time of sending by default, and for 0.
    pub fn timestamp(mut self, millis: i64) -> Self {
        self.timestamp = Some(millis);
        self
    }
}

/// Where a test's topics put it.
impl TestRecord {
    /// # Panics
    /// If it names a partition that a topic of so many does not have.
    pub(super) fn must_fit(&self, number: usize, topic: &str, partitions: usize) {
        let Some(partition) = self.partition else { return };
        assert!(
            usize::try_from(partition).is_ok_and(|partition| partition < partitions),
            "record {number} of topic `{topic}` is for partition {partition}, and the topic has the partitions 0 to {}",
            partitions - 1
        );
    }

    /// The partition of so many that it names, else the one of its key, else the one behind the last.
    pub(super) fn place(&self, partitions: usize, last: &mut usize) -> i32 {
        let count = i32::try_from(partitions).unwrap_or(i32::MAX).max(1);
        self.partition.or_else(|| Some(partition_of(self.key.as_ref()?, count))).unwrap_or_else(|| {
            *last = (*last + 1) % partitions.max(1);
            i32::try_from(*last).unwrap_or_default()
        })
    }
}

impl<K: Into<Vec<u8>>, V: Into<Vec<u8>>> From<(Option<K>, Option<V>)> for TestRecord {
    fn from((key, value): (Option<K>, Option<V>)) -> Self {
        Self { key: key.map(Into::into), value: value.map(Into::into), ..Self::default() }
    }
}

/// A value without a key.
impl From<String> for TestRecord {
    fn from(value: String) -> Self {
        Self::new().value(value)
    }
}

/// A value without a key.
impl From<&str> for TestRecord {
    fn from(value: &str) -> Self {
        Self::new().value(value)
    }
}

/// A record that was written: [`EmbeddedKafka::records`](super::EmbeddedKafka::records) and
/// [`InMemory::sent`](super::InMemory::sent) show them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The partition that it lies in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Headers,
    /// Milliseconds since 1970; `None` in memory where nobody gave a time: the broker would.
    pub timestamp: Option<i64>,
}

fn tombstone() -> CodecError {
    CodecError::new("the record is a tombstone, without a value")
}

impl Received {
    /// Its value read as JSON.
    ///
    /// # Errors
    /// If that is no such JSON; a tombstone is none.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CodecError> {
        read_json(self.value.as_deref().ok_or_else(tombstone)?)
    }

    /// Its value as text.
    ///
    /// # Errors
    /// If that is no UTF-8; a tombstone is none.
    pub fn text(&self) -> Result<&str, CodecError> {
        let value = self.value.as_deref().ok_or_else(tombstone)?;
        std::str::from_utf8(value).map_err(CodecError::new)
    }
}
