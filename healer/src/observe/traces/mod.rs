//! Traces: what became of a record, as spans that an OpenTelemetry collector takes. A thread of its own sends them, so that neither
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

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The most bytes of an error that a span has.
const ERROR_BYTES: usize = 4_096;

/// An error in words: those of a user's may panic.
fn said(error: &dyn fmt::Display) -> String {
    let text = catch_unwind(AssertUnwindSafe(|| error.to_string()));
    let mut text = text.unwrap_or_else(|_| "an error whose `Display` panics".to_owned());
    text.truncate(text.floor_char_boundary(ERROR_BYTES));
    text
}
