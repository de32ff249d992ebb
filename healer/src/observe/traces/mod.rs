//! Traces: the way of a record, as spans that an OpenTelemetry collector takes. A thread of its own sends them, so that neither
//! a collector that is away nor the end of the program's runtime is felt by a pipeline.

mod error;
mod finished;
mod headers;
mod init;
mod root;
mod source;
mod span;
mod tracer;
mod worker;

#[cfg(test)]
mod tests;

pub use error::TracesError;
pub use init::{Traces, init_traces};
pub(crate) use root::Trace;
pub(crate) use source::{TracedSource, Tracing};
pub(crate) use span::Span;

use std::fmt;

use crate::error::said::shown;

/// The most bytes of an error that a span has.
const ERROR_BYTES: usize = 4_096;

/// An error in words, cut.
fn said(error: &dyn fmt::Display) -> String {
    shown(error, ERROR_BYTES)
}
