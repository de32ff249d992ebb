//! Why logging could not be begun.

/// Why [`init_logs`](super::init_logs) did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogsError {
    /// The level cannot be read.
    #[error(
        "the log level {level:?} cannot be read: {problem}; allowed are TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL, OFF \
         and NOTSET, in small or capital letters, or directives such as `info,healer=debug`"
    )]
    Level {
        /// The level as it was given.
        level: String,
        /// Why it cannot be read.
        problem: String,
    },
    /// The process has a global subscriber already.
    #[error(
        "a global subscriber of tracing is installed already: call `init_logs` once and before any other that installs one, \
         or add `LogLayer` to the one that is there"
    )]
    Installed,
}
