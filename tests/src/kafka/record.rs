//! Records as the tests write and read them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};

/// A record to produce. The producer chooses the fields that are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The key, if any; it decides the partition where none is named.
    pub key: Option<Vec<u8>>,
    /// The value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The partition.
    pub partition: Option<i32>,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Names and values, in order; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// A record without a key.
    pub fn value(value: impl Into<Vec<u8>>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// A record with a key and no value.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Self::default().key(key)
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Names the partition.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the timestamp, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }
}

/// A record as the broker keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The partition it is in.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// The key, if any.
    pub key: Option<Vec<u8>>,
    /// The value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Names and values, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Stored {
    pub(super) fn new(message: &BorrowedMessage<'_>) -> Result<Self> {
        Ok(Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers(message)?,
        })
    }
}

/// rdkafka panics at a header whose name is not UTF-8.
fn headers(message: &BorrowedMessage<'_>) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    catch_unwind(AssertUnwindSafe(|| {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    }))
    .map_err(|_| anyhow!("the name of a header of {}:{} is not UTF-8", message.partition(), message.offset()))
}
