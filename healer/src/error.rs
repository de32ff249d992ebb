//! Errors that a user of healer meets.

use std::{
    error::Error as StdError,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use crate::{
    context::Context,
    reports::{self, Caught},
};

/// Any error that a stage may give.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// Why a record failed at a node; made where it happened, named by the engine.
#[derive(Debug)]
pub struct Failure(Box<FailedRecord>);

#[derive(Debug)]
pub(crate) struct FailedRecord {
    pub(crate) node: u32,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) attempts: u32,
    pub(crate) cause: Cause,
}

/// What went wrong with a record.
#[derive(Debug)]
pub(crate) enum Cause {
    /// A stage gave an error.
    Stage(BoxError),
    /// A stage panicked.
    Panic(Panicked),
    /// A stage took longer than it may.
    TimedOut(Duration),
    /// Its bytes are no value of the source's type.
    Decode(BoxError),
    /// A value could not be encoded for a sink or a checkpoint.
    Encode(BoxError),
    /// The broker did not take a record that was to be sent.
    Send(BoxError),
    /// The same, and the record itself is why.
    Refused(BoxError),
    /// A record's dead letter can never be sent.
    DeadLetter(BoxError),
    /// A call ended without handing back what it was given.
    Lost,
}

/// A panic of a stage.
#[derive(Clone, Debug)]
pub(crate) struct Panicked {
    /// What it said.
    pub(crate) message: String,
    /// Where it was, where somebody wants reports.
    pub(crate) caught: Option<Arc<Caught>>,
}

impl Cause {
    /// As metrics and reports name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Stage(_) => "error",
            Self::Panic(_) => "panic",
            Self::TimedOut(_) => "timeout",
            Self::Decode(_) => "decode",
            Self::Encode(_) => "encode",
            Self::Send(_) | Self::Refused(_) => "send",
            Self::DeadLetter(_) => "dead_letter",
            Self::Lost => "lost",
        }
    }

    /// What a panic is; to be asked for on the thread that caught it.
    pub(crate) fn of_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let message = panic_message(panic);
        let caught = reports::caught(&message).map(Arc::new);
        Self::Panic(Panicked { message, caught })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(error)
            | Self::Decode(error)
            | Self::Encode(error)
            | Self::Send(error)
            | Self::Refused(error)
            | Self::DeadLetter(error) => error.fmt(f),
            Self::Panic(panic) => write!(f, "a panic: {}", panic.message),
            Self::TimedOut(limit) => write!(f, "not done after {}", humantime::format_duration(*limit)),
            Self::Lost => f.write_str("it was not handed back"),
        }
    }
}

impl Failure {
    pub(crate) fn new(node: u32, context: &Context, cause: Cause) -> Self {
        let mut failure =
            Self::at(node, Arc::clone(context.topic_arc()), context.partition(), context.offset(), cause);
        failure.0.attempts = context.attempt();
        failure
    }

    pub(crate) fn at(node: u32, topic: Arc<str>, partition: i32, offset: i64, cause: Cause) -> Self {
        Self(Box::new(FailedRecord { node, topic, partition, offset, attempts: 1, cause }))
    }

    pub(crate) fn into_inner(self) -> FailedRecord {
        *self.0
    }
}

/// A record that failed, with where and why.
///
/// Its offset was not committed: after a restart the pipeline begins with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct RecordError {
    /// The path of the node, as `flights.validate.enrich`.
    pub stage: String,
    /// The record's topic.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// How often the stage tried.
    pub attempts: u32,
    /// What kind of failure the last one was.
    pub kind: RecordErrorKind,
    source: Option<BoxError>,
}

/// How a record failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// The stage gave an error: the source of the [`RecordError`].
    Stage,
    /// The stage panicked, with this message.
    Panic(String),
    /// The stage took longer than its `timeout`, which was this.
    TimedOut(Duration),
    /// The record's bytes are no value of the source's type.
    Decode,
    /// A value could not be encoded for a sink or a checkpoint.
    Encode,
    /// The broker did not take the record that a sink sent, or would take no such record: it is too large, has no key where one is
    /// needed, names a topic that is none.
    Send,
    /// The record failed, and its dead letter can never be sent: the topic is gone, a right is missing, or it is too large
    /// even without what healer adds. The source of the [`RecordError`] says which, and why the record had failed.
    DeadLetter,
    /// The stage ended without handing back what it was given: forgotten, cancelled, or left out of a batch.
    Lost,
}

impl RecordError {
    pub(crate) fn new(failed: FailedRecord, stage: &str) -> Self {
        let (kind, source) = match failed.cause {
            Cause::Stage(error) => (RecordErrorKind::Stage, Some(error)),
            Cause::Panic(panic) => (RecordErrorKind::Panic(panic.message), None),
            Cause::TimedOut(limit) => (RecordErrorKind::TimedOut(limit), None),
            Cause::Decode(error) => (RecordErrorKind::Decode, Some(error)),
            Cause::Encode(error) => (RecordErrorKind::Encode, Some(error)),
            Cause::Send(error) | Cause::Refused(error) => (RecordErrorKind::Send, Some(error)),
            Cause::DeadLetter(error) => (RecordErrorKind::DeadLetter, Some(error)),
            Cause::Lost => (RecordErrorKind::Lost, None),
        };
        Self {
            stage: stage.to_owned(),
            topic: failed.topic.to_string(),
            partition: failed.partition,
            offset: failed.offset,
            attempts: failed.attempts,
            kind,
            source,
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, topic, partition, offset, attempts, .. } = self;
        write!(f, "record {topic}[{partition}]@{offset} failed at `{stage}`: ")?;
        match &self.kind {
            RecordErrorKind::Stage => f.write_str("the stage gave an error")?,
            RecordErrorKind::Panic(message) => write!(f, "the stage panicked: {message}")?,
            RecordErrorKind::TimedOut(limit) => {
                write!(f, "the stage was not done after {}", humantime::format_duration(*limit))?;
            }
            RecordErrorKind::Decode => {
                f.write_str("its bytes can't be decoded (set the source's `on_error` to skip such records)")?;
            }
            RecordErrorKind::Encode => f.write_str("its value can't be encoded")?,
            RecordErrorKind::Send => f.write_str("the record that it became was not delivered")?,
            RecordErrorKind::DeadLetter => {
                f.write_str("it failed there for good, and its dead letter can't be sent")?;
            }
            RecordErrorKind::Lost => {
                f.write_str("the stage ended without handing it back; it is pending again, not lost")?;
            }
        }
        if *attempts > 1 {
            write!(f, ", at the last of {attempts} attempts")?;
        }
        f.write_str("; its offset is not committed")
    }
}

impl StdError for RecordError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|error| error as &(dyn StdError + 'static))
    }
}

/// What a user's error says: its `Display` may panic.
pub(crate) fn guarded(text: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(text)).unwrap_or_else(|_| "an error whose `Display` panics".to_owned())
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}
