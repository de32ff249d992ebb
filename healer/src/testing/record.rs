//! Records that go in and come out of the embedded Kafka.

use crate::context::Headers;

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

    /// The partition, whatever the key says.
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

/// A record that was read back by [`EmbeddedKafka::records`](super::EmbeddedKafka::records).
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
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
}
