//! Errors that a user of healer meets.

mod panics;
mod pipeline;
mod record;
mod rows;
pub(crate) mod said;
mod start;

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

#[cfg(test)]
pub(crate) use self::panics::last_panic;
#[cfg(feature = "logs")]
pub(crate) use self::panics::panic_message;
pub(crate) use self::panics::{Caught, Panicked, catch, discard, remember};
pub use self::pipeline::{BuildError, Error};
pub use self::record::{RecordError, RecordErrorKind};
pub(crate) use self::rows::Listed;
pub use self::rows::RowRange;
pub use self::start::StartError;
use uuid::Uuid;

/// Any error that a stage may give.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// Why a record failed at a node; made where it happened, named by the engine.
#[derive(Debug)]
pub struct Failure(Box<FailedRecord>);

#[derive(Debug)]
pub(crate) struct FailedRecord {
    pub(crate) node: u32,
    /// `None` where nobody knows the record's time any more.
    pub(crate) emit_id: Option<Uuid>,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Of a batch, all that failed.
    pub(crate) rows: Vec<RowRange>,
    pub(crate) attempts: u32,
    pub(crate) cause: Cause,
}

/// Why a record failed.
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
    /// A call ended without handing back its items.
    Lost,
    /// A stage was given the rows of another call.
    OtherBatch,
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
            Self::OtherBatch => "other_batch",
        }
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
            Self::OtherBatch => f.write_str("these are the rows of another batch"),
        }
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Stage(error)
            | Self::Decode(error)
            | Self::Encode(error)
            | Self::Send(error)
            | Self::Refused(error)
            | Self::DeadLetter(error) => error.source(),
            Self::Panic(_) | Self::TimedOut(_) | Self::Lost | Self::OtherBatch => None,
        }
    }
}

impl Failure {
    pub(crate) fn at(node: u32, topic: Arc<str>, partition: i32, offset: i64, cause: Cause) -> Self {
        Self(Box::new(FailedRecord {
            node,
            emit_id: None,
            topic,
            partition,
            offset,
            rows: Vec::new(),
            attempts: 1,
            cause,
        }))
    }

    /// The record or batch that failed has this identity.
    pub(crate) fn of_id(mut self, emit_id: Option<Uuid>) -> Self {
        self.0.emit_id = emit_id;
        self
    }

    /// It was tried so often.
    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// It is about a batch, of these records.
    pub(crate) fn of_rows(mut self, rows: Vec<RowRange>) -> Self {
        self.0.rows = rows;
        self
    }

    pub(crate) fn into_inner(self) -> FailedRecord {
        *self.0
    }
}
