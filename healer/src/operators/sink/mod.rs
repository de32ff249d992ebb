//! Sends records to a topic and passes them on when the broker has acknowledged them.
//!
//! **Sinks.** Idempotent, `acks=all`, `murmur2_random`. Up to 1,024 records of a partition are on their way; they go on in order,
//! each after its acknowledgement. A full queue is back-pressure.
//!
//! **Tombstones.** Which sinks lie below a source with `.tombstones()` is known from the graph (`topology/nodes.rs`), since a
//! type alone does not say where its `None` came from; `Encode::is_none` says whether a value is one, for serde's formats by a
//! serializer that takes `None` alone (`codec/none.rs`). `Sink::tombstones` is a type instead, `Sink<Option<T>>`, for formats
//! that write no `Option`.
//!
//! **No time-out ends a send.** `message.timeout.ms` is 0 and tries are without number, so librdkafka retries in order by itself
//! for as long as it takes; the user's value only says when the wait is told of. The drain budget holds all the same: it is the
//! lanes that wait. `lane/sends.rs` knows the sends that wait for long (a lane looks once a second, and only while it has nothing
//! else to do), and the client's statistics say why.

mod outgoing;
mod task;

use std::{sync::Arc, time::SystemTime};

use self::task::Sending;
use super::boundary::{Boundary, Inbox, Serve};
use crate::{
    chain::{Accepts, Below, Consumer, Operator},
    codec::{Codec, CodecContext, CodecError, Encode},
    context::Context,
    lane::Host,
    record::Headers,
    topology::{Node, NodeDraft, NodeKind, OnError},
    unfinished::typed::Next,
};

type KeyOf<T> = Arc<dyn Fn(&T, &Context) -> Option<Vec<u8>> + Send + Sync>;
type HeadersOf<T> = Arc<dyn Fn(&T, &Context) -> Headers + Send + Sync>;
type TopicOf<T> = Arc<dyn Fn(&T) -> String + Send + Sync>;

type TimeOf<T> = Arc<dyn Fn(&T, &Context) -> Option<SystemTime> + Send + Sync>;

/// Appends a value, and says whether there is one; the last argument says whether `None` is none. The functions that make sinks ask for
/// `Encode` and keep the proof, so that a fault is said once.
type EncodeValue<T, C> = fn(&C, &T, &mut Vec<u8>, &CodecContext<'_>, bool) -> Result<bool, CodecError>;

/// A sink: a topic and a codec. Made by [`kafka`](crate::kafka)'s functions; give it to `then`.
///
/// The record's key, headers and timestamp go along unless changed here. The value flows on after the acknowledgement. A value that was
/// made of several records has no key and no headers, and the highest of their times.
#[must_use = "a sink does nothing until a stream flows into it"]
pub struct Sink<T, C> {
    topic: Option<Arc<str>>,
    codec: C,
    encode: EncodeValue<T, C>,
    topic_of: Option<TopicOf<T>>,
    key_of: Option<KeyOf<T>>,
    headers_of: Option<HeadersOf<T>>,
    time_of: Option<TimeOf<T>>,
    on_error: Option<OnError>,
    fault: Option<&'static str>,
}

impl<T: Send + 'static, C: Codec> Sink<T, C> {
    pub(crate) fn new(topic: Arc<str>, codec: C) -> Self
    where
        C: Encode<T>,
    {
        let encode: EncodeValue<T, C> = |codec, value, into, of, tombstones| {
            let is_none = tombstones && codec.is_none(value);
            if !is_none {
                codec.encode(value, into, of)?;
            }
            Ok(!is_none)
        };
        Self::with(Some(topic), codec, encode)
    }

    fn with(topic: Option<Arc<str>>, codec: C, encode: EncodeValue<T, C>) -> Self {
        Self {
            topic,
            codec,
            encode,
            topic_of: None,
            key_of: None,
            headers_of: None,
            time_of: None,
            on_error: None,
            fault: None,
        }
    }

    /// Takes an `Option<T>` instead of a `T`, and writes `None` as a tombstone: a record with its key and without a value. A
    /// compacted topic then deletes the value under that key.
    ///
    /// Below a source with [`tombstones`](super::Source::tombstones) a sink does that by itself wherever its codec writes an `Option`
    /// (JSON and bincode do). Elsewhere the codec encodes `None` as a value, JSON as `null`. Call this before the methods that take
    /// functions of the value: those functions are then given the `Option`.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// let app = pipeline! {
    ///     name "planes";
    ///     kafka::text("planes").tombstones() => kafka::to_text("copies").tombstones() => heal;
    /// };
    /// # drop(app);
    /// ```
    pub fn tombstones(self) -> Sink<Option<T>, C>
    where
        C: Encode<T>,
    {
        let Self { topic, codec, topic_of, key_of, headers_of, time_of, on_error, fault, .. } = self;
        let encode: EncodeValue<Option<T>, C> = |codec, value, into, of, _| {
            value.as_ref().map(|value| codec.encode(value, into, of)).transpose().map(|wrote| wrote.is_some())
        };
        let is_late = topic_of.is_some() || key_of.is_some() || headers_of.is_some() || time_of.is_some();
        let late = "`.tombstones()` comes too late: what `topic`, `key`, `headers` and `timestamp` were given takes no `Option`; call it \
                    before them";
        Sink { on_error, fault: fault.or(is_late.then_some(late)), ..Sink::with(topic, codec, encode) }
    }

    /// Sends each record to a topic of its own. Such topics are not looked up at the start: a name that is none, or whose topic
    /// does not exist, is a fault of the record ([`on_error`](Self::on_error)).
    pub fn topic(mut self, topic: impl Fn(&T) -> String + Send + Sync + 'static) -> Self {
        self.topic = None;
        self.topic_of = Some(Arc::new(topic));
        self
    }

    /// The key of each record, instead of the source record's.
    ///
    /// A value that was made of a batch is of several records and has none of their keys, so below a batch a sink needs this or
    /// [`keyless`](Self::keyless): `build` refuses it otherwise. Behind [`unbatch`](crate::Stream::unbatch) each row has its own
    /// key again, but for one that `BatchMut::reduce` made: `build` cannot see that, and the first such row stops the pipeline.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// #[stage(flat)]
    /// fn longest(rows: &Batch<String>) -> Vec<String> {
    ///     rows.iter().map(|(_, line)| line).max_by_key(|line| line.len()).cloned().into_iter().collect()
    /// }
    ///
    /// let app = pipeline! {
    ///     name "longest";
    ///     lines = kafka::text("lines") => batch(500) => longest;
    ///     lines => kafka::to_text("longest").key(|line: &String, _| line.bytes().next().map(|first| vec![first])) => heal;
    /// };
    /// # drop(app);
    /// ```
    pub fn key(mut self, key: impl Fn(&T, &Context) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.key_of = Some(Arc::new(key));
        self
    }

    /// No key for any record, instead of the source record's. Say so below a batch whose values have no key and need none; with a key
    /// use [`key`](Self::key). Not to be confused with `keyless = …` of `#[stage]`, which is about records that have no key.
    pub fn keyless(self) -> Self {
        self.key(|_, _| None)
    }

    /// The headers of each record, instead of the source record's.
    pub fn headers(mut self, headers: impl Fn(&T, &Context) -> Headers + Send + Sync + 'static) -> Self {
        self.headers_of = Some(Arc::new(headers));
        self
    }

    /// The time of each record, instead of the source record's; where it is `None`, and for 1970 itself, the time of sending.
    ///
    /// By default the written record has the time of its source record, also after `map`. A record made of several source records,
    /// below a batch, has the highest of their times. Brokers delete by this time: under `retention.ms` a record that is old when it
    /// is written does not stay for long. If the topic is to keep records from the moment of writing on, say `now`. A time that the
    /// broker refuses is a fault of the record ([`on_error`](Self::on_error)).
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// let app = pipeline! {
    ///     name "copies";
    ///     kafka::text("lines") => kafka::to_text("copies").timestamp(kafka::now) => heal;
    /// };
    /// # drop(app);
    /// ```
    pub fn timestamp<O: Into<Option<SystemTime>>>(
        mut self,
        time: impl Fn(&T, &Context) -> O + Send + Sync + 'static,
    ) -> Self {
        self.time_of = Some(Arc::new(move |value, context| time(value, context).into()));
        self
    }

    /// Decides about a record that is at fault here, instead of the [pipeline's policy](crate::App::on_error). A record is at fault
    /// if its value cannot be encoded, it is too large for the topic, it has no key where one is needed, the topic that it chose has
    /// no valid name or does not exist, or the broker refuses its time.
    ///
    /// Other faults are not decided here. While no broker takes the record, it waits as long as that lasts; an unknown fixed topic, a
    /// missing right or a missing codec stops the pipeline.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// let app = pipeline! {
    ///     name "copies";
    ///     lines = kafka::text("lines")
    ///         => kafka::to_text("copies").on_error(OnError::dead_letter("copies.dead"));
    ///     lines => heal;
    /// };
    /// # drop(app);
    /// ```
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = Some(on_error);
        self
    }
}

impl<T: Send + 'static, C: Codec> Accepts<T> for Sink<T, C> {}

impl<T: Send + 'static, C: Codec> Operator for Sink<T, C> {
    type In = T;
    type Out = T;
    type Settled = Next<T, ()>;
    type Node<D: Consumer<T>> = Boundary<SinkTask<T, C, D>>;

    fn draft(&self) -> NodeDraft {
        let name = self.topic.as_deref().unwrap_or("sink").to_owned();
        let kind = NodeKind::Sink { topic: self.topic.clone(), codec: self.codec.format() };
        let mut draft = NodeDraft::new(name, kind);
        draft.on_error.clone_from(&self.on_error);
        draft.copies_key = self.key_of.is_none();
        draft.faults.extend(self.fault.map(str::to_owned));
        draft
    }

    fn attach<D: Consumer<T>>(self, node: Arc<Node>, next: D) -> Self::Node<D> {
        Boundary::new(node.id, SinkTask { sink: self, node, next })
    }
}

/// The task of a sink, and the nodes below it.
pub struct SinkTask<T, C, D> {
    sink: Sink<T, C>,
    node: Arc<Node>,
    next: D,
}

impl<T: Send + 'static, C: Codec, D: Consumer<T>> Serve<T> for SinkTask<T, C, D> {
    type Lane = D::Lane;

    fn below(&self) -> Below {
        self.next.below().read_if(true).holding::<T>()
    }

    fn open(&self, host: &Host) -> Self::Lane {
        self.next.open(host)
    }

    async fn run(&self, lane: &mut Self::Lane, host: &Host, inbox: &mut Inbox<T>) {
        Sending::new(self, lane, host).run(inbox).await;
    }
}
