//! The receiver of reports.

use std::sync::Arc;

use super::FailureReport;
use crate::error::BoxError;

/// Takes the failure reports of a pipeline.
///
/// It may block: it is called on a thread of its own, one report after the other, never on a thread of the pipeline and never
/// within an async runtime. While it takes its time, reports wait, up to a bound; reports beyond that are dropped and counted.
///
/// A closure is one as well:
///
/// ```
/// use healer::{
///     BoxError,
///     reports::{FailureReport, FailureReporter},
/// };
///
/// let reporter = |report: &FailureReport| -> Result<(), BoxError> {
///     eprintln!("{} failed: {:?}", report.stage, report.error);
///     Ok(())
/// };
/// # fn takes(_: impl FailureReporter) {}
/// # takes(reporter);
/// ```
pub trait FailureReporter: Send + Sync + 'static {
    /// Takes a report.
    ///
    /// # Errors
    /// Any error of yours: the report was not taken. It is dropped and counted, the error is logged (at most one a second), and
    /// the pipeline goes on; so it does after a panic.
    fn report(&self, report: &FailureReport) -> Result<(), BoxError>;
}

impl<R: FailureReporter + ?Sized> FailureReporter for Arc<R> {
    fn report(&self, report: &FailureReport) -> Result<(), BoxError> {
        (**self).report(report)
    }
}

impl<F> FailureReporter for F
where
    F: Fn(&FailureReport) -> Result<(), BoxError> + Send + Sync + 'static,
{
    fn report(&self, report: &FailureReport) -> Result<(), BoxError> {
        self(report)
    }
}
