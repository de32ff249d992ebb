//! The content of a report, and its JSON.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{RawRecord, ReportError};
use crate::{context::NotedRow, record::emit_id, topology::Called};

/// The format that this release writes.
const VERSION: u32 = 1;

/// One call of a stage: its record, and how it ended.
///
/// Its `Debug` shows where the record comes from, not its data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FailureReport {
    /// Of the format; 1.
    pub version: u32,
    /// The release of healer that wrote it, as `0.1.0`.
    pub healer: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The stage, by its own name: no other of the pipeline has it.
    pub stage: String,
    /// The path of the stage: the names from its source on, as `flights.validate.enrich`. Empty in reports of before there was one,
    /// whose `stage` is the path.
    #[serde(default)]
    pub path: String,
    /// Whether the call failed.
    pub outcome: Outcome,
    /// When it was written: RFC 3339, UTC, with milliseconds.
    pub written_at: String,
    /// How it failed: `error`, `panic`, `timeout`, `decode`, `encode`, `send`, `dead_letter`, `lost` or `other_batch`;
    /// `None` where it finished.
    #[serde(default)]
    pub kind: Option<String>,
    /// The error first, then its sources. Each up to 64 KiB, and up to 32 of them.
    #[serde(default)]
    pub error: Vec<String>,
    /// The panic, where the stage panicked.
    #[serde(default)]
    pub panic: Option<PanicReport>,
    /// Which attempt at the record it was; 1 is the first.
    pub attempt: u32,
    /// The record's identity in logs and traces ([`Context::emit_id`](crate::Context::emit_id)); of a batch its own.
    pub emit_id: Uuid,
    /// The record's topic; of a batch, that of its first row. So it is for the fields that follow.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp in milliseconds since 1970; `None` where it has none.
    #[serde(default)]
    pub timestamp: Option<i64>,
    /// The record as it came in from its topic; `None` for a batch, whose [`rows`](Self::rows) have theirs.
    #[serde(default)]
    pub record: Option<RawRecord>,
    /// The stage's own input, where the stage says `#[stage(report)]`.
    // An input may be `null` itself.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    pub input: Option<Value>,
    /// The rows of a batch, in order; empty for a record.
    #[serde(default)]
    pub rows: Vec<RowReport>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It failed.
    Failed,
    /// It finished: reported where the stage says `report = all`.
    Finished,
}

/// A panic, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PanicReport {
    /// Its message.
    pub message: String,
    /// The frames on its thread; `None` where they are not known.
    #[serde(default)]
    pub backtrace: Option<String>,
    /// File, line and column, as `src/stages.rs:12:5`; `None` where they are not known.
    #[serde(default)]
    pub location: Option<String>,
}

/// A row of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowReport {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970; `None` where it has none.
    #[serde(default)]
    pub timestamp: Option<i64>,
    /// Its identity in logs and traces.
    pub emit_id: Uuid,
    /// The record that it was made of, as it came in from its topic.
    #[serde(default)]
    pub record: Option<RawRecord>,
}

impl RowReport {
    pub(crate) fn of(row: &NotedRow) -> Self {
        let (topic, partition, offset) = &row.spot;
        Self {
            topic: topic.to_string(),
            partition: *partition,
            offset: *offset,
            timestamp: row.timestamp,
            emit_id: emit_id(topic, *partition, *offset, row.timestamp),
            record: row.original.as_deref().map(RawRecord::of),
        }
    }
}

/// The fields that are read before all others.
#[derive(Deserialize)]
struct Head {
    version: u32,
    #[serde(default)]
    healer: String,
}

impl FailureReport {
    /// Reads a report that any release up to this one wrote.
    ///
    /// # Errors
    /// [`ReportError::Malformed`] if it is no report, [`ReportError::Newer`] if its format is unknown to this release.
    pub fn from_json(json: &[u8]) -> Result<Self, ReportError> {
        let head: Head = serde_json::from_slice(json).map_err(ReportError::Malformed)?;
        if head.version > VERSION {
            return Err(ReportError::Newer { version: head.version, writer: head.healer, newest: VERSION });
        }
        serde_json::from_slice(json).map_err(ReportError::Malformed)
    }

    /// The path of the stage, also of a report that has no other name of it.
    #[cfg(feature = "testing")]
    pub(crate) fn whole_path(&self) -> &str {
        if self.path.is_empty() { &self.stage } else { &self.path }
    }

    /// The report as JSON, indented, with a newline at its end.
    ///
    /// # Panics
    /// Never: all that a report can hold has a JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("all parts of a report have a JSON form");
        json.push(b'\n');
        json
    }

    /// One that is written now and says nothing of a record yet.
    pub(crate) fn new(pipeline: &str, called: &Called, outcome: Outcome) -> Self {
        let now = SystemTime::now().max(SystemTime::UNIX_EPOCH);
        Self {
            version: VERSION,
            healer: env!("CARGO_PKG_VERSION").to_owned(),
            pipeline: pipeline.to_owned(),
            stage: called.stage.to_string(),
            path: called.path.to_string(),
            outcome,
            written_at: humantime::format_rfc3339_millis(now).to_string(),
            kind: None,
            error: Vec::new(),
            panic: None,
            attempt: 1,
            emit_id: Uuid::nil(),
            topic: String::new(),
            partition: 0,
            offset: 0,
            timestamp: None,
            record: None,
            input: None,
            rows: Vec::new(),
        }
    }
}

impl fmt::Debug for FailureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureReport")
            .field("pipeline", &self.pipeline)
            .field("stage", &self.stage)
            .field("path", &self.path)
            .field("outcome", &self.outcome)
            .field("kind", &self.kind)
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .field("offset", &self.offset)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// A value that is there, also where it is `null`.
fn there<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}
