//! A report as the thread of its record leaves it: the thread of the reporter does the work that takes time.

use std::sync::Arc;

use super::{FailureReport, Outcome, PanicReport, RawRecord};
use crate::{
    context::Context,
    error::{Caught, Cause, Panicked, said},
    topology::Called,
};

/// The most bytes of one error in a chain.
const LONGEST: usize = 64 * 1_024;
/// The weight of a backtrace that is not looked up yet, in bytes.
const BACKTRACE: usize = 16 * 1_024;

/// A report that is not quite finished.
pub(crate) struct Draft {
    pub(crate) report: FailureReport,
    /// Of its panic: to look its symbols up takes milliseconds.
    caught: Option<Arc<Caught>>,
}

impl Draft {
    /// Of a record that is given up.
    pub(crate) fn failed(pipeline: &str, called: &Called, cause: &Cause, context: &Context) -> Self {
        let mut draft = Self::about(pipeline, called, Outcome::Failed, context);
        draft.report.kind = Some(cause.kind().to_owned());
        draft.report.error = said::each(cause, LONGEST);
        if let Cause::Panic(Panicked { message, caught }) = cause {
            let location = caught.as_ref().map(|caught| caught.location.clone());
            draft.report.panic = Some(PanicReport { message: message.clone(), backtrace: None, location });
            draft.caught.clone_from(caught);
        }
        draft
    }

    /// Of a call that finished.
    pub(crate) fn finished(pipeline: &str, called: &Called, context: &Context) -> Self {
        Self::about(pipeline, called, Outcome::Finished, context)
    }

    fn about(pipeline: &str, called: &Called, outcome: Outcome, context: &Context) -> Self {
        let mut report = FailureReport::new(pipeline, called, outcome);
        report.attempt = context.attempt();
        report.emit_id = context.emit_id();
        context.topic().clone_into(&mut report.topic);
        report.partition = context.partition();
        report.offset = context.offset();
        report.timestamp = context.timestamp_millis();
        report.record = context.original().map(|original| RawRecord::of(original));
        report.into()
    }

    /// In bytes, about.
    pub(super) fn weight(&self) -> usize {
        self.report.weight() + self.caught.as_ref().map_or(0, |_| BACKTRACE)
    }

    /// With all that takes time.
    pub(super) fn finish(mut self) -> FailureReport {
        if let (Some(panic), Some(caught)) = (&mut self.report.panic, self.caught) {
            panic.backtrace = Some(caught.backtrace.to_string());
        }
        self.report
    }
}

impl From<FailureReport> for Draft {
    fn from(report: FailureReport) -> Self {
        Self { report, caught: None }
    }
}
