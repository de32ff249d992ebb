//! Sources and sinks on Kafka.
//!
//! A record without a value (a tombstone, the delete of a compacted topic) is skipped and counted under `tombstone`, unless the source
//! says [`tombstones`](Source::tombstones).
//!
//! ```
//! use healer::prelude::*;
//!
//! let lines = kafka::text(["east", "west"]).stream("lines");
//! let orders = kafka::bytes("^orders-.*").tombstones().stream("orders");
//! # let _ = (lines.heal(), orders.heal());
//! ```

use std::{sync::Arc, time::SystemTime};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    broker::Topics,
    codec::{Bincode, Bytes, Decode, Encode, Json, RawJson, Text},
    context::Context,
    operators::{Sink, Source},
};

/// The topics that a source reads: one topic, a list of topics, or a pattern: a regular expression that starts with `^`.
///
/// A topic has one source in a pipeline, whose name may be used twice: another one that reads it is refused by `build`, or, where two
/// patterns match it, when it is assigned; nothing of it is read then.
pub trait IntoTopics {
    #[doc(hidden)]
    fn into_topics(self) -> TopicList;
}

/// Topics in the hands of a source.
pub struct TopicList(pub(crate) Topics);

fn one(text: &str) -> TopicList {
    TopicList(if text.starts_with('^') {
        Topics::Pattern(Arc::from(text))
    } else {
        Topics::Named(vec![Arc::from(text)])
    })
}

fn list<S: AsRef<str>>(names: &[S]) -> TopicList {
    TopicList(Topics::Named(names.iter().map(|name| Arc::from(name.as_ref())).collect()))
}

impl IntoTopics for &str {
    fn into_topics(self) -> TopicList {
        one(self)
    }
}

impl IntoTopics for String {
    fn into_topics(self) -> TopicList {
        one(&self)
    }
}

impl IntoTopics for &String {
    fn into_topics(self) -> TopicList {
        one(self)
    }
}

impl<S: AsRef<str>, const N: usize> IntoTopics for [S; N] {
    fn into_topics(self) -> TopicList {
        list(&self)
    }
}

impl<S: AsRef<str>> IntoTopics for &[S] {
    fn into_topics(self) -> TopicList {
        list(self)
    }
}

impl<S: AsRef<str>> IntoTopics for Vec<S> {
    fn into_topics(self) -> TopicList {
        list(&self)
    }
}

/// Records in a format of your own.
pub fn source<T: Send + 'static, C: Decode<T>>(codec: C, topics: impl IntoTopics) -> Source<T, C> {
    Source::new(topics.into_topics().0, codec)
}

/// Records as JSON.
pub fn json<T>(topics: impl IntoTopics) -> Source<T, Json>
where
    T: Send + 'static,
    Json: Decode<T>,
{
    source(Json, topics)
}

/// Records as the JSON texts that they are: checked to be one whole JSON text, and kept as they came, so that
/// [`to_json`] writes the same bytes. [`RawJson::parse`] reads the contents of one.
pub fn raw_json(topics: impl IntoTopics) -> Source<RawJson, Json> {
    source(Json, topics)
}

/// Records as bincode.
pub fn bincode<T: DeserializeOwned + Send + 'static>(topics: impl IntoTopics) -> Source<T, Bincode> {
    source(Bincode, topics)
}

/// Records as they are.
pub fn bytes(topics: impl IntoTopics) -> Source<Vec<u8>, Bytes> {
    source(Bytes, topics)
}

/// Records as UTF-8 text.
pub fn text(topics: impl IntoTopics) -> Source<String, Text> {
    source(Text, topics)
}

/// Sends records in a format of your own.
pub fn sink<T: Send + 'static, C: Encode<T>>(codec: C, topic: impl Into<String>) -> Sink<T, C> {
    Sink::new(topic.into().into(), codec)
}

/// Sends records as JSON. A value that [JSON](Json) cannot express (NaN, an infinity) follows [`Sink::on_error`]; a [`RawJson`]
/// leaves as it came.
pub fn to_json<T: Send + 'static>(topic: impl Into<String>) -> Sink<T, Json>
where
    Json: Encode<T>,
{
    sink(Json, topic)
}

/// Sends records as bincode.
pub fn to_bincode<T: Serialize + Send + 'static>(topic: impl Into<String>) -> Sink<T, Bincode> {
    sink(Bincode, topic)
}

/// Sends bytes as they are.
pub fn to_bytes(topic: impl Into<String>) -> Sink<Vec<u8>, Bytes> {
    sink(Bytes, topic)
}

/// Sends UTF-8 text.
pub fn to_text(topic: impl Into<String>) -> Sink<String, Text> {
    sink(Text, topic)
}

/// The time of now, for [`Sink::timestamp`].
pub fn now<T: ?Sized>(_: &T, _: &Context) -> SystemTime {
    SystemTime::now()
}
