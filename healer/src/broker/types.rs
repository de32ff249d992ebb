//! The words that engine and brokers share.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;

use crate::record::Headers;

/// Whether a topic can have this name.
pub(crate) fn is_topic(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name.bytes().all(legal) && name != "." && name != ".."
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicPartition {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// The topics that a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    /// Topics by name.
    Named(Vec<Arc<str>>),
    /// All topics whose whole name matches a regular expression that starts with `^`.
    Pattern(Arc<str>),
}

/// A record, lent for the time of one chunk: its bytes stay in the buffer of the client, or of the records that wait.
#[derive(Clone, Copy)]
pub(crate) struct RecordRef<'a> {
    /// The number that the engine gave to the partition in [`Assignment`].
    pub(crate) slot: u32,
    pub(crate) offset: i64,
    /// Under which leader of the partition it was written, counted; never falls along a log. A record that replaces one that
    /// a log has lost has a higher epoch. `None` where the broker tells none.
    pub(crate) leader_epoch: Option<i32>,
    /// Milliseconds since 1970.
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<&'a [u8]>,
    /// `None` is a tombstone; empty bytes are a value.
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a dyn ReadHeaders,
}

impl RecordRef<'_> {
    /// How many bytes key and value have.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }
}

/// Headers that are parsed only when somebody asks.
pub(crate) trait ReadHeaders {
    /// Appends all headers, in order; repeated names are kept.
    ///
    /// Those that cannot be kept are counted there.
    fn read(&self, into: &mut Headers);

    /// Key and value of the record side by side, where they are kept so that others may share them.
    fn body(&self) -> Option<&Arc<Vec<u8>>> {
        None
    }

    /// The value of the last header of that name.
    #[cfg(feature = "opentelemetry")]
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        let mut all = Headers::new();
        self.read(&mut all);
        all.get(name).map(<[u8]>::to_vec)
    }
}

/// Where the engine wants a partition to start.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) partition: TopicPartition,
    pub(crate) slot: u32,
    pub(crate) offset: i64,
}

/// Events that a broker reports between records.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Event {
    /// Partitions added to the assignment; nothing is fetched until `assign`.
    Assigned(Vec<TopicPartition>),
    /// Partitions to give back; the generation is valid until `unassign`.
    Revoked(Vec<TopicPartition>),
    /// Partitions that belong to somebody else already; nothing may be committed for them.
    Lost(Vec<TopicPartition>),
    /// An offset that was asked for does not exist; the client does not say of which partition.
    OutOfRange(String),
    /// Any other failure.
    Error(BrokerError),
}

/// One entry of a commit request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    pub(crate) metadata: String,
}

/// The offset that a group has committed for a partition, with its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    /// Somebody else's words: never trusted.
    pub(crate) metadata: Result<String, MetadataNotText>,
}

/// Commit metadata that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MetadataNotText;

/// Beginning and ends of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermarks {
    /// The first offset there is.
    pub(crate) first: i64,
    /// How far this client may read: up to the first transaction that is still open, where it reads committed records only.
    pub(crate) stable: i64,
    /// The high watermark: the next offset that is written.
    pub(crate) end: i64,
}

impl Watermarks {
    /// All there is may be read.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn all_stable(first: i64, end: i64) -> Self {
        Self { first, stable: end, end }
    }
}

/// A record to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutRecord<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a Headers,
    /// Milliseconds since 1970; the time of sending where `None`.
    pub(crate) timestamp: Option<i64>,
}

/// No broker can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outage {
    /// How long there has been none.
    #[serde(serialize_with = "crate::json::seconds")]
    pub lasting: Duration,
    /// The client's last words about it.
    pub reason: String,
}

/// Why a request or the client failed; the text names the fault, its place and how to mend it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub(crate) struct BrokerError {
    pub(crate) kind: BrokerErrorKind,
    pub(crate) text: String,
}

/// The kinds of errors by which the engine decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum BrokerErrorKind {
    /// It may pass (a leader moved, a coordinator is not there yet), and is worth another try.
    Transient,
    /// No broker answered in time.
    Unreachable,
    /// A topic does not exist.
    UnknownTopic,
    /// Credentials or rights.
    NotAuthorized,
    /// A record compressed with a codec that this build lacks.
    MissingCodec,
    /// A property or a request that can never work.
    Configuration,
    /// A record is larger than client or topic allow.
    TooLarge,
    /// The broker never takes this record, because of its topic's name, its key or its time.
    Rejected,
    /// The client is of no more use (a duplicate instance id, for one).
    Fatal,
}

/// Why a commit was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub(crate) struct CommitError {
    pub(crate) kind: CommitErrorKind,
    pub(crate) text: String,
}

/// The engine's next step after a failed commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitErrorKind {
    /// Try again.
    Retriable,
    /// Wait until the rebalance is over.
    Rebalancing,
    /// The generation or the member is not known any more: as if the partitions were lost.
    Fenced,
    /// The topic of one partition at least is gone; the fate of the others is not known.
    UnknownTopic,
    /// It will never work; the text says why.
    Fatal,
}

/// Why a record was not sent.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SendError {
    /// The client's queue is full: wait and send again.
    #[error("the producer's queue is full")]
    Full,
    /// It was not delivered.
    #[error("{0}")]
    Failed(BrokerError),
}
