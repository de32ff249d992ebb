//! The error that a pipeline ends with because of a record, or of a batch.

use std::{error::Error as StdError, fmt, time::Duration};

use uuid::Uuid;

use super::{BoxError, Cause, FailedRecord, Listed, Panicked, RowRange, said};

/// A record that failed, or a batch, with where and why.
///
/// It is not committed: after a restart the pipeline begins with it. `Display` says all of that, with the error of the
/// stage and its sources, each once. [`source`](StdError::source) is the error that the stage, the codec or the broker gave, to be
/// downcast; a panic or a time-out has none.
///
/// ```
/// use std::error::Error as _;
///
/// fn is_io(error: &healer::RecordError) -> bool {
///     error.source().is_some_and(|cause| cause.is::<std::io::Error>())
/// }
/// # let _ = is_io;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct RecordError {
    /// The path of the node, as `flights.validate.enrich`.
    pub stage: String,
    /// The record's topic; of a batch, that of its first row, as for the fields below.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// Its identity in logs and traces ([`Context::emit_id`](crate::Context::emit_id)); of a batch its own. `None` where nobody knows the
    /// record's time any more.
    pub emit_id: Option<Uuid>,
    /// Of a batch: all records that failed with it, sorted, none of which is committed. Empty where a record failed by itself.
    pub rows: Vec<RowRange>,
    /// How often the stage tried.
    pub attempts: u32,
    /// The kind of the last failure.
    pub kind: RecordErrorKind,
    /// The words of the cause: a user's error might panic when it is asked.
    said: String,
    cause: Option<BoxError>,
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
    /// even without healer's additions. The source of the [`RecordError`] says which, and why the record had failed.
    DeadLetter,
    /// The stage ended without handing back its items: forgotten, cancelled, or left out of a batch.
    Lost,
    /// The rows that came to the stage are those of another call, kept or exchanged further up.
    OtherBatch,
}

impl RecordError {
    pub(crate) fn new(failed: FailedRecord, stage: &str) -> Self {
        let said = said::chain(&failed.cause);
        let (kind, cause) = match failed.cause {
            Cause::Stage(error) => (RecordErrorKind::Stage, Some(error)),
            Cause::Panic(Panicked { message, .. }) => (RecordErrorKind::Panic(message), None),
            Cause::TimedOut(limit) => (RecordErrorKind::TimedOut(limit), None),
            Cause::Decode(error) => (RecordErrorKind::Decode, Some(error)),
            Cause::Encode(error) => (RecordErrorKind::Encode, Some(error)),
            Cause::Send(error) | Cause::Refused(error) => (RecordErrorKind::Send, Some(error)),
            Cause::DeadLetter(error) => (RecordErrorKind::DeadLetter, Some(error)),
            Cause::Lost => (RecordErrorKind::Lost, None),
            Cause::OtherBatch => (RecordErrorKind::OtherBatch, None),
        };
        Self {
            stage: stage.to_owned(),
            topic: failed.topic.to_string(),
            partition: failed.partition,
            offset: failed.offset,
            emit_id: failed.emit_id,
            rows: failed.rows,
            attempts: failed.attempts,
            kind,
            said,
            cause,
        }
    }
}

impl RecordError {
    /// The words of the cause, which say its kind where these do not.
    pub(crate) fn said(&self) -> String {
        match &self.kind {
            RecordErrorKind::Stage if self.said.is_empty() => "an error without words".to_owned(),
            _ => self.said.clone(),
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, topic, partition, offset, rows, attempts, said, .. } = self;
        let is_batch = !rows.is_empty();
        if is_batch {
            let count: u64 = rows.iter().map(RowRange::count).sum();
            write!(f, "a batch of {count} record{} ({})", if count == 1 { "" } else { "s" }, Listed(rows))?;
        } else {
            write!(f, "record {topic}[{partition}]@{offset}")?;
        }
        write!(f, " failed at `{stage}`: ")?;
        match &self.kind {
            RecordErrorKind::Stage if said.is_empty() => f.write_str("the stage gave an error without words")?,
            RecordErrorKind::Stage => f.write_str(said)?,
            RecordErrorKind::Panic(message) => write!(f, "the stage panicked: {message}")?,
            RecordErrorKind::TimedOut(limit) => {
                write!(f, "the stage was not done after {}", humantime::format_duration(*limit))?;
            }
            RecordErrorKind::Decode => {
                write!(f, "its bytes can't be decoded (set the source's `on_error` to skip such records): {said}")?;
            }
            RecordErrorKind::Encode => write!(f, "its value can't be encoded: {said}")?,
            RecordErrorKind::Send => write!(f, "the output record was not delivered: {said}")?,
            RecordErrorKind::DeadLetter => {
                write!(f, "it failed there for good, and its dead letter can't be sent: {said}")?;
            }
            RecordErrorKind::Lost if is_batch => {
                f.write_str("the stage ended without handing all of it back; it is pending again, not lost")?;
            }
            RecordErrorKind::Lost => {
                f.write_str("the stage ended without handing it back; it is pending again, not lost")?;
            }
            RecordErrorKind::OtherBatch => f.write_str(
                "the rows that came to it are those of another call: pass rows on only by `#[stage(batch)]`, and keep copies \
                 of their values, not rows",
            )?,
        }
        if *attempts > 1 {
            write!(f, ", at the last of {attempts} attempts")?;
        }
        f.write_str(if is_batch {
            "; none of its offsets is committed"
        } else {
            "; its offset is not committed"
        })
    }
}

impl StdError for RecordError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|error| error as &(dyn StdError + 'static))
    }
}
