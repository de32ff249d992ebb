//! The facts that a stage may know about its record.
//!
//! **Values of several records.** `Context::of_all` makes their context: no key, no headers, no original, the highest time. It is
//! the same for a batch, for a value that a stage makes of one, and for a row that `reduce` made, also of one row: the number of
//! rows is chance, and a key, or a policy, that depended on it would be. A common key of all rows is no key either, for the same
//! reason. `build` refuses a sink that copies keys below such values (`Graph::is_below_batch`); of `reduce` it knows nothing, so
//! there the sink refuses the value. A flat stage that reads a batch is called with all of it and gives values, and nothing says
//! of which row one is. So each value owes all rows, by one share of the whole receipt.
//!
//! **Times.** A value that is made of a record has its time (`Context::newest_millis`); a context that stands for several knows
//! the highest of theirs in one number, set where a batch begins and where rows are reduced, so a record alone pays nothing for
//! it. Letters have the time of now.

mod notes;
mod origin;
mod original;

use std::{fmt, num::NonZeroU64, sync::Arc, time::SystemTime};

use uuid::Uuid;

pub(crate) use notes::{NotedRow, Notes, written};
pub use origin::Origin;
pub(crate) use origin::millis;
use origin::time;
pub(crate) use original::{Original, body_of};

use crate::{
    broker::RecordRef,
    envelope::Spot,
    error::{Cause, Failure},
    observe::{self, GivenUp, Here, Span, Trace, Watch},
    record::{BatchId, Headers, Millis, batch_id, emit_id},
};

/// The origin of a record, with its key, headers and time; read only.
///
/// A stage asks for it with a parameter `ctx: &Context`:
///
/// ```
/// use healer::prelude::*;
///
/// #[stage]
/// fn tag(line: String, ctx: &Context) -> String {
///     format!("{}[{}]@{} {line}", ctx.topic(), ctx.partition(), ctx.offset())
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Context {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    timestamp: Millis,
    /// The highest time of the records that it stands for, where they are several.
    newest: Millis,
    // Apart from its bytes, so that their buffer is used again for the next record.
    has_key: bool,
    key: Vec<u8>,
    /// The hash of the key, beyond the poll thread: it keeps records of a key in one line.
    key_hash: Option<NonZeroU64>,
    headers: Headers,
    attempt: u32,
    /// `None` until a stage asks for the context.
    path: Option<Arc<str>>,
    /// The record as it came in, where it may become a dead letter.
    original: Option<Arc<Original>>,
    /// The notes of a call for its report, where there may be one.
    notes: Option<Arc<Notes>>,
    /// The batch that it stands for.
    batch: Option<BatchId>,
    /// The topic's number, for log lines.
    topic_number: u32,
    /// The measures that are taken while the record passes.
    watch: Watch,
    /// The trace that its spans belong to; a clone by a user has none.
    trace: Trace,
}

impl Context {
    /// The topic that the record was read from.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition that the record was read from.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The record's offset in its partition.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The record's key; `None` where it has none.
    pub fn key(&self) -> Option<&[u8]> {
        self.has_key.then_some(self.key.as_slice())
    }

    /// The record's headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The record's timestamp (creation or append time, as the topic is configured); `None` where it has none.
    pub fn timestamp(&self) -> Option<SystemTime> {
        time(self.timestamp.get())
    }

    /// The record's timestamp in milliseconds since 1970.
    pub fn timestamp_millis(&self) -> Option<i64> {
        self.timestamp.get()
    }

    /// Where the record was read first. Of one that was [sent back](crate::dead_letter::Redrive) after a dead letter it is the place
    /// of its first life, of any other its own.
    ///
    /// A producer with the right to write to the topic can forge it, as any header.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// #[stage]
    /// fn key(line: String, ctx: &Context) -> (String, String) {
    ///     (ctx.origin().to_string(), line) // orders[3]@42, also after a redrive
    /// }
    /// # fn main() {}
    /// ```
    pub fn origin(&self) -> Origin<'_> {
        let own = || Origin::new(&self.topic, self.partition, self.offset, self.timestamp.get());
        Origin::of_redriven(&self.headers).unwrap_or_else(own)
    }

    /// An identity of the record for logs and traces: a version 7 UUID of its timestamp, the rest a hash of topic, partition
    /// and offset. The same record has the same one after a replay. One that was sent back after a dead letter is a record of its
    /// own here; [`origin`](Self::origin) has the identity of its first life. Computed by each call.
    pub fn emit_id(&self) -> Uuid {
        emit_id(&self.topic, self.partition, self.offset, self.timestamp.get())
    }

    /// Which attempt at the record this is; 1 is the first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The path of the stage that is running, as `flights.validate.enrich`.
    pub fn stage_path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Context {
    // Keys and header values are the users' data: a log line must not carry them unasked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .field("offset", &self.offset)
            .field("attempt", &self.attempt)
            .field("stage_path", &self.stage_path())
            .finish_non_exhaustive()
    }
}

/// How the engine fills contexts.
impl Context {
    /// One that is filled anew for each record of a partition.
    pub(crate) fn reusable(topic: Arc<str>, partition: i32) -> Self {
        Self {
            topic_number: observe::topic(&topic),
            topic,
            partition,
            offset: -1,
            timestamp: Millis::NONE,
            newest: Millis::NONE,
            has_key: false,
            key: Vec::new(),
            key_hash: None,
            headers: Headers::new(),
            attempt: 1,
            path: None,
            original: None,
            notes: None,
            batch: None,
            watch: Watch::default(),
            trace: Trace::NONE,
        }
    }

    /// Takes over the plain numbers of a record.
    #[inline]
    pub(crate) fn refill(&mut self, record: &RecordRef<'_>) {
        self.offset = record.offset;
        self.timestamp = Millis::of(record.timestamp);
    }

    /// Takes over key and headers, for chains in which somebody reads them.
    pub(crate) fn refill_rest(&mut self, record: &RecordRef<'_>) {
        self.has_key = record.key.is_some();
        self.key.clear();
        self.key.extend_from_slice(record.key.unwrap_or_default());
        self.headers.clear();
        record.headers.read(&mut self.headers);
        if self.headers.dropped() > 0 {
            observe::tell_dropped(
                &self.topic,
                self.partition,
                self.offset,
                self.timestamp,
                self.headers.dropped(),
            );
        }
    }

    /// A copy that may outlive the chunk; with key and headers where somebody below reads them.
    pub(crate) fn keep(&self, whole: bool) -> Self {
        let trace = self.trace.share();
        if whole {
            return Self { trace, ..self.clone() };
        }
        Self {
            topic: self.topic.clone(),
            path: self.path.clone(),
            key: Vec::new(),
            headers: Headers::new(),
            has_key: false,
            original: self.original.clone(),
            notes: self.notes.clone(),
            batch: self.batch.clone(),
            trace,
            ..*self
        }
    }

    /// Of a new batch of so many rows that begins with this one: it has the key and the trace of no single record, and an identity
    /// of its own.
    pub(crate) fn of_many(&self, rows: usize) -> Self {
        let batch = Some(BatchId::new(rows));
        let mut context = Self { key_hash: None, original: None, batch, ..self.keep(false) };
        context.set_trace(Trace::NONE);
        context
    }

    /// Of a batch of these, or of a value made of them all, with the highest of their times; none without one.
    pub(crate) fn of_all<'c>(mut all: impl ExactSizeIterator<Item = &'c Self> + Clone) -> Option<Self> {
        let times = all.clone().map(|context| context.timestamp.max(context.newest));
        let (rows, newest) = (all.len(), times.fold(Millis::NONE, Millis::max));
        Some(Self { newest, ..all.next()?.of_many(rows) })
    }

    /// The time of a record made of it: its own, or the highest of those that it stands for, in milliseconds since 1970.
    pub(crate) fn newest_millis(&self) -> Option<i64> {
        self.timestamp.max(self.newest).get()
    }

    /// The identity of the batch that it stands for.
    pub(crate) fn batch(&self) -> Option<&BatchId> {
        self.batch.as_ref()
    }

    pub(crate) fn is_of_many(&self) -> bool {
        self.batch.is_some()
    }

    /// That of the record, or of the batch that it stands for.
    pub(crate) fn identity(&self) -> Uuid {
        match &self.batch {
            Some(batch) => batch_id(self.emit_id(), batch.rows()),
            None => self.emit_id(),
        }
    }

    /// The call that comes leaves notes for its report.
    pub(crate) fn take_notes(&mut self) {
        self.notes = Some(Arc::default());
    }

    /// Takes the notes that were made with another context of the same record.
    pub(crate) fn share_notes(&mut self, other: &Self) {
        self.notes.clone_from(&other.notes);
    }

    pub(crate) fn forget_notes(&mut self) {
        self.notes = None;
    }

    pub(crate) fn notes(&self) -> Option<&Notes> {
        self.notes.as_deref()
    }

    /// The number of its topic, where a record is noted in numbers.
    pub(crate) fn topic_number(&self) -> u32 {
        self.topic_number
    }

    /// Which record it is: its name in logs.
    #[inline]
    pub(crate) fn spot(&self) -> Spot {
        (Arc::clone(&self.topic), self.partition, self.offset)
    }

    pub(crate) fn here(&self) -> Here {
        let Self { topic_number, partition, offset, timestamp, .. } = *self;
        let batch = self.batch.as_ref().map(BatchId::rows);
        Here { topic: Some(topic_number), partition, offset, timestamp, batch }
    }

    #[inline]
    pub(crate) fn watch(&self) -> Watch {
        self.watch
    }

    #[inline]
    pub(crate) fn set_watch(&mut self, watch: Watch) {
        self.watch = watch;
    }

    #[inline]
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The record is in this trace from now on.
    pub(crate) fn set_trace(&mut self, trace: Trace) {
        self.watch = self.watch.with_traced(trace.is_on());
        self.trace = trace;
    }

    /// The span of a call that comes.
    #[inline]
    pub(crate) fn call(&self, stage: &Arc<str>) -> Span {
        if self.watch.is_traced() { self.trace.call(stage, self.attempt) } else { Span::NONE }
    }

    /// The span of a record that is sent.
    pub(crate) fn sends(&self, sink: &Arc<str>) -> Span {
        if self.watch.is_traced() { self.trace.sends(sink) } else { Span::NONE }
    }

    pub(crate) fn keep_original(&mut self, original: Original) {
        self.original = Some(Arc::new(original));
    }

    pub(crate) fn original(&self) -> Option<&Arc<Original>> {
        self.original.as_ref()
    }

    #[inline]
    pub(crate) fn hash_key(&mut self, key: Option<&[u8]>) {
        let hash = |key: &[u8]| NonZeroU64::new(xxhash_rust::xxh3::xxh3_64(key)).unwrap_or(NonZeroU64::MIN);
        self.key_hash = key.map(hash);
    }

    pub(crate) fn key_hash(&self) -> Option<u64> {
        self.key_hash.map(NonZeroU64::get)
    }

    pub(crate) fn enter(&mut self, path: &Arc<str>) {
        self.path = Some(Arc::clone(path));
    }

    /// The same record once more.
    pub(crate) fn next_attempt(&mut self) {
        self.attempt += 1;
    }

    /// The next stage tries for itself.
    pub(crate) fn first_attempt(&mut self) {
        self.attempt = 1;
    }

    /// Its note as a row of a batch.
    pub(crate) fn noted(&self) -> NotedRow {
        NotedRow { spot: self.spot(), timestamp: self.timestamp.get(), original: self.original.clone() }
    }

    /// It is given up at a stage, because of an error.
    pub(crate) fn given_up(&self, stage: Arc<str>, error: String) -> GivenUp {
        GivenUp {
            stage,
            emit_id: Some(self.identity()),
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            offset: self.offset,
            attempt: self.attempt,
            error,
            rows: Vec::new(),
            dead_letter_topic: None,
        }
    }

    /// An error of it at a node.
    pub(crate) fn failure(&self, node: u32, cause: Cause) -> Failure {
        let failure = Failure::at(node, Arc::clone(&self.topic), self.partition, self.offset, cause);
        failure.after(self.attempt).of_id(Some(self.identity()))
    }

    pub(crate) fn topic_arc(&self) -> &Arc<str> {
        &self.topic
    }
}
