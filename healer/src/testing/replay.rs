//! A failure from production, once more: [`replay`].

use std::{
    any::type_name,
    error::Error as _,
    sync::{Arc, Mutex, PoisonError},
};

use serde::de::DeserializeOwned;

use super::{
    TestRecord, fit,
    in_memory::{self, Placed},
};
use crate::{
    App, Batch, Codec, CodecContext, CodecError, Context, Decode, Error, Json, RawJson, RecordErrorKind,
    Report,
    chain::{Accepts, Operator},
    codec::read_json,
    error::said,
    kafka,
    operators::Stage,
    reports::{FailureReport, RawRecord, RowReport},
};

/// A stage or a whole pipeline, which [`replay`] runs with the input or the records of a report.
pub trait Replays {
    /// The result of a replay.
    type Given;
    #[doc(hidden)]
    fn replay(self, report: &FailureReport, give: &dyn Fn(App) -> App) -> Result<Self::Given, ReplayError>;
}

/// Why nothing came of a replay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The report has no input of the stage.
    #[error(
        "the report of {stage} does not say what went in: put `report` into its `#[stage(…)]`, for the next failure, or replay \
         the whole pipeline with the record as it came in"
    )]
    NoInput {
        /// The stage's path.
        stage: String,
    },
    /// The report has no record as it came in.
    #[error("the report of {stage} does not say what came in from the topic: replay the stage alone")]
    NoRecord {
        /// The stage's path.
        stage: String,
    },
    /// The stage can't take the input that the report holds.
    #[error(
        "the report is of {of}, and what went in there is no input of `{given}`, which takes `{takes}`: {cause}. Replay the stage \
         that the report is of, or one that takes the same"
    )]
    OtherInput {
        /// The path of the stage that the report is of.
        of: String,
        /// The stage that was given.
        given: &'static str,
        /// The type that it takes.
        takes: &'static str,
        /// Why it can't be read.
        cause: String,
    },
    /// The pipeline does not read the record's topic.
    #[error("the report is of {of}: {unread}. Replay the pipeline that the report is of")]
    OtherPipeline {
        /// The path of the stage that the report is of.
        of: String,
        /// The topic of the report's record, and the topics that the given pipeline reads instead.
        unread: String,
    },
    /// It failed, as it did before or in another way; also where its `on_error` would skip the record or send a dead letter.
    #[error(transparent)]
    Failed(Error),
}

/// Runs a stage once more with exactly the input that it had when a report was written, or a pipeline with the record as it came
/// in, so that a failure from production becomes a unit test.
///
/// A stage gets the input that the report holds (the stage says `#[stage(report)]`). It gives no value where it skips, one, or
/// many; a failure is an error regardless of its `on_error`. A batch stage gets all rows of the report in one call and gives
/// [`Batch`]. A whole pipeline, an [`App`], reads the raw record, or those of a batch's rows, and runs to its end or to the first
/// failure, which is an error too, regardless of its policies: a record that is a dead letter once more was not mended. Records
/// that it sends to sinks are acknowledged and thrown away. Records are where they were: topic, partition, offset, key, headers
/// and time are the report's. All runs on the calling thread, retries with their pauses in no time.
///
/// ```
/// use healer::{prelude::*, reports::FailureReport, testing::replay};
///
/// #[stage(report)]
/// fn per_head(bill: (u32, u32)) -> Result<u32, String> {
///     bill.0.checked_div(bill.1).ok_or_else(|| "nobody is there".to_owned())
/// }
///
/// # let json = br#"{"version":1,"healer":"0.1.0","pipeline":"bills","stage":"bills.per_head","outcome":"failed",
/// # "written_at":"2026-08-01T12:30:05.123Z","kind":"error","error":["nobody is there"],"attempt":1,
/// # "emit_id":"019864c5-2d5b-7a3e-9c41-5f2d8e7b6a10","topic":"bills","partition":3,"offset":41,"input":[12,0]}"#;
/// let report = FailureReport::from_json(json)?; // the file that the reporter wrote
/// let error = replay(&report, per_head::stage()).run().unwrap_err();
/// assert!(error.to_string().contains("bills[3]@41 failed at `bills.per_head`"), "{error}");
/// # Ok::<(), healer::reports::ReportError>(())
/// ```
pub fn replay<R: Replays>(report: &FailureReport, what: R) -> Replay<'_, R> {
    Replay { report, what, give: Vec::new() }
}

type Give = Box<dyn Fn(App) -> App>;

/// A replay that is being put together.
#[must_use = "a replay does nothing until `run`"]
pub struct Replay<'r, R> {
    report: &'r FailureReport,
    what: R,
    give: Vec<Give>,
}

impl<R: Replays> Replay<'_, R> {
    /// Gives the state that the stage asks for with `#[state]`, as [`App::with`] does.
    pub fn with<S: Send + Sync + 'static>(self, state: S) -> Self {
        self.with_arc(Arc::new(state))
    }

    /// As [`with`](Self::with), for state that is shared already or is a trait object.
    pub fn with_arc<S: ?Sized + Send + Sync + 'static>(mut self, state: Arc<S>) -> Self {
        self.give.push(Box::new(move |app| app.with_arc(Arc::clone(&state))));
        self
    }

    /// Runs it, and returns the values that the stage gives, in order, or the pipeline's [`Report`].
    ///
    /// # Errors
    /// [`ReplayError::Failed`] if it fails once more; another variant if the report lacks the input or the record, or if that does
    /// not fit the stage or the pipeline.
    ///
    /// # Panics
    /// If it is called within a tokio runtime: it has one of its own.
    pub fn run(self) -> Result<R::Given, ReplayError> {
        let Self { report, what, give } = self;
        what.replay(report, &|app| give.iter().fold(app, |app, give| give(app)))
    }
}

/// An input that can be read from a report, so that a stage can be given it again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a report: it has no serde form",
    note = "add `#[derive(serde::Deserialize)]` to `{Self}`"
)]
pub trait Input: Sized + Send + 'static {
    /// Reads the input of a report that is about these records.
    #[doc(hidden)]
    fn read(json: &[u8], of: &[Context]) -> Result<Self, CodecError>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + Send + 'static> Input for T {
    fn read(json: &[u8], _: &[Context]) -> Result<T, CodecError> {
        read_json(json)
    }
}

impl Input for RawJson {
    fn read(json: &[u8], _: &[Context]) -> Result<Self, CodecError> {
        Self::new(std::str::from_utf8(json).map_err(CodecError::new)?)
    }
}

impl<T: DeserializeOwned + Send + 'static> Input for Batch<T> {
    fn read(json: &[u8], of: &[Context]) -> Result<Self, CodecError> {
        let values: Vec<T> = read_json(json)?;
        // As many contexts as values, also for a report that was edited.
        let last = of.last().into_iter().flat_map(std::iter::repeat);
        Ok(Self::new(of.iter().chain(last).cloned().zip(values).collect()))
    }
}

/// Inputs as they are in reports that are about these records.
struct Written(Vec<Context>);

impl Codec for Written {
    fn format(&self) -> &'static str {
        Json.format()
    }
}

impl<I: Input> Decode<I> for Written {
    fn decode(&self, json: &[u8], _: &CodecContext<'_>) -> Result<I, CodecError> {
        I::read(json, &self.0)
    }
}

impl<S> Replays for S
where
    S: Stage + Accepts<<S as Stage>::In>,
    S: Operator<In = <S as Stage>::In, Out = <S as Stage>::Out>,
    <S as Stage>::In: Input,
{
    type Given = Vec<<S as Stage>::Out>;

    fn replay(self, report: &FailureReport, give: &dyn Fn(App) -> App) -> Result<Self::Given, ReplayError> {
        let no_input = || ReplayError::NoInput { stage: report.whole_path().to_owned() };
        let input = report.input.as_ref().ok_or_else(no_input)?;
        let mut record = of_one(report);
        record.record.value = Some(input.to_string().into_bytes());
        let written = Written(records(report).iter().map(Placed::context).collect());
        let given = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&given);
        let lock =
            |seen: &Mutex<Vec<_>>| std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        // The paths of nodes above it, so that errors name it as they did.
        let above = report.whole_path().rsplit_once('.').map_or("replay", |(above, _)| above);
        let source = kafka::source::<<S as Stage>::In, _>(written, report.topic.as_str());
        let chain = source.stream(above).then(self);
        let chain = chain.map(move |value| seen.lock().unwrap_or_else(PoisonError::into_inner).push(value));
        let app = give(App::new(report.pipeline.as_str()).chain(chain.heal()));
        in_memory::run_where_they_were(app, [record]).map_err(|error| match &error {
            // Nothing else decodes here.
            Error::Record(record) if record.kind == RecordErrorKind::Decode => ReplayError::OtherInput {
                of: report.whole_path().to_owned(),
                given: S::NAME,
                takes: type_name::<<S as Stage>::In>(),
                cause: record.source().map(said::chain).unwrap_or_default(),
            },
            _ => ReplayError::Failed(error),
        })?;
        Ok(lock(&given))
    }
}

impl Replays for App {
    type Given = Report;

    fn replay(self, report: &FailureReport, give: &dyn Fn(App) -> App) -> Result<Report, ReplayError> {
        let is_known = match report.rows.as_slice() {
            [] => report.record.is_some(),
            rows => rows.iter().all(|row| row.record.is_some()),
        };
        if !is_known {
            return Err(ReplayError::NoRecord { stage: report.whole_path().to_owned() });
        }
        let (app, records) = (give(self), records(report));
        let unread = fit::unread(app.graph(), records.iter().map(|record| &*record.topic));
        if let Some(unread) = unread.into_iter().next() {
            return Err(ReplayError::OtherPipeline { of: report.whole_path().to_owned(), unread });
        }
        in_memory::run_where_they_were(app, records).map_err(ReplayError::Failed)
    }
}

/// The records that a report is about, as far as it has them.
fn records(report: &FailureReport) -> Vec<Placed> {
    if report.rows.is_empty() {
        return vec![of_one(report)];
    }
    let placed = |row: &RowReport| Placed {
        topic: row.topic.as_str().into(),
        partition: row.partition,
        offset: row.offset,
        record: TestRecord { timestamp: row.timestamp, ..test_record(row.record.as_ref()) },
    };
    report.rows.iter().map(placed).collect()
}

/// The record that a report is about; of a batch, where its first one was.
fn of_one(report: &FailureReport) -> Placed {
    Placed {
        topic: report.topic.as_str().into(),
        partition: report.partition,
        offset: report.offset,
        record: TestRecord { timestamp: report.timestamp, ..test_record(report.record.as_ref()) },
    }
}

fn test_record(raw: Option<&RawRecord>) -> TestRecord {
    let mut record = TestRecord::new();
    let Some(raw) = raw else { return record };
    record.key.clone_from(&raw.key);
    record.value.clone_from(&raw.value);
    for (name, value) in &raw.headers {
        record.headers.push(name.clone(), value.clone());
    }
    record
}
