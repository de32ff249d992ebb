//! A failure from production, once more: [`replay`].

use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;

use super::{TestRecord, in_memory};
use crate::{
    App, Error, Report, kafka,
    operators::Stage,
    reports::{FailureReport, RawRecord},
    stream::Accepts,
};

/// What is run with what a report holds: a stage, or a whole pipeline.
pub trait Replays {
    /// What comes of it.
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
    /// The report has no record, since it is about a batch.
    #[error("the report of {stage} is about a batch of {rows} rows, and so about no single record")]
    NoRecord {
        /// The stage's path.
        stage: String,
        /// How many rows.
        rows: usize,
    },
    /// It failed, as it did before or in another way.
    #[error(transparent)]
    Failed(Error),
}

/// Runs a stage once more with exactly what it was given when a report was written, or a pipeline with the record as it came in, so
/// that a failure from production becomes a unit test.
///
/// A stage gets the input that the report holds (it says `#[stage(report)]`), and gives what it gives: no value where it
/// skips, one, or many; a failure is an error, whatever its `on_error` says. A whole pipeline, an [`App`], reads the raw record and runs it to its end; its sinks are acknowledged, and what
/// they send is thrown away. The record is where it was: topic, partition, offset, key, headers and time are the report's.
/// All runs on the calling thread, retries with their pauses in no time.
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

    /// Runs it: what a stage gives, in order, or what the pipeline did.
    ///
    /// # Errors
    /// [`ReplayError::Failed`] where it fails once more; else what the report lacks.
    ///
    /// # Panics
    /// If it is called within a tokio runtime: it has one of its own.
    pub fn run(self) -> Result<R::Given, ReplayError> {
        let Self { report, what, give } = self;
        what.replay(report, &|app| give.iter().fold(app, |app, give| give(app)))
    }
}

impl<S> Replays for S
where
    S: Stage + Accepts<<S as Stage>::In>,
    S: crate::stream::Operator<In = <S as Stage>::In, Out = <S as Stage>::Out>,
    <S as Stage>::In: DeserializeOwned,
{
    type Given = Vec<<S as Stage>::Out>;

    fn replay(self, report: &FailureReport, give: &dyn Fn(App) -> App) -> Result<Self::Given, ReplayError> {
        let no_input = || ReplayError::NoInput { stage: report.stage.clone() };
        let input = report.input.as_ref().ok_or_else(no_input)?;
        let mut record = report.record.as_ref().map_or_else(TestRecord::new, test_record);
        record.value = Some(input.to_string().into_bytes());
        record.timestamp = report.timestamp;
        let given = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&given);
        let lock =
            |seen: &Mutex<Vec<_>>| std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        // The paths of nodes above it, so that errors name it as they did.
        let above = report.stage.rsplit_once('.').map_or("replay", |(above, _)| above);
        let chain = kafka::json::<<S as Stage>::In>(report.topic.as_str()).stream(above).then(self);
        let chain = chain.map(move |value| seen.lock().unwrap_or_else(PoisonError::into_inner).push(value));
        let app = give(App::new(report.pipeline.as_str()).add(chain.heal()));
        in_memory::run_one(app, at(report), record, true).map_err(ReplayError::Failed)?;
        Ok(lock(&given))
    }
}

impl Replays for App {
    type Given = Report;

    fn replay(self, report: &FailureReport, give: &dyn Fn(App) -> App) -> Result<Report, ReplayError> {
        let no_record = || ReplayError::NoRecord { stage: report.stage.clone(), rows: report.rows.len() };
        let mut record = test_record(report.record.as_ref().ok_or_else(no_record)?);
        record.timestamp = report.timestamp;
        in_memory::run_one(give(self), at(report), record, false).map_err(ReplayError::Failed)
    }
}

fn at(report: &FailureReport) -> (&str, i32, i64) {
    (&report.topic, report.partition, report.offset)
}

fn test_record(raw: &RawRecord) -> TestRecord {
    let mut record = TestRecord::new();
    record.key.clone_from(&raw.key);
    record.value.clone_from(&raw.value);
    for (name, value) in &raw.headers {
        record.headers.push(name.clone(), value.clone());
    }
    record
}
