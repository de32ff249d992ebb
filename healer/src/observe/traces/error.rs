//! Why traces could not be begun.

use std::io;

/// Why [`init_traces`](super::init_traces) did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracesError {
    /// The thread that sends traces cannot be started.
    #[error("no thread can be started for traces: {0}; the process or the machine has too many")]
    Thread(#[from] io::Error),
    /// The receiver is none, or a variable `OTEL_EXPORTER_OTLP_…` cannot be read.
    #[error(
        "traces cannot be sent to {endpoint}: {problem}; look at the host, the port and the variables `OTEL_EXPORTER_OTLP_…`"
    )]
    Exporter {
        /// Where they were to be sent.
        endpoint: String,
        /// Why they cannot be sent there.
        problem: String,
    },
}
