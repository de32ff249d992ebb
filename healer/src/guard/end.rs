//! Why a guard came to its end.

use std::{fmt, time::Duration};

use crate::error::{Error, said::chain};

/// Why a [`Guard`](super::Guard) came to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GuardEnd {
    /// An error ended a pipeline (`on_error`).
    Failed {
        /// Its name.
        pipeline: String,
        /// The error that ended it.
        error: Error,
    },
    /// A pipeline committed nothing for `graceful_offset`, though there was something to commit.
    NothingCommitted {
        /// Its name.
        pipeline: String,
        /// For how long.
        lasting: Duration,
    },
    /// A pipeline did not poll for `graceful_polling`.
    NothingPolled {
        /// Its name.
        pipeline: String,
        /// For how long.
        lasting: Duration,
    },
    /// A pipeline could reach no broker for [`unreachable_after`](crate::Config::unreachable_after) (`on_lost_broker`).
    BrokerLost {
        /// Its name.
        pipeline: String,
        /// For how long.
        lasting: Duration,
        /// The client's last message about it.
        reason: String,
    },
    /// The guard has run for `expires_after`.
    Expired,
    /// A pipeline has reached `max_commits`.
    MaxCommits {
        /// Its name.
        pipeline: String,
        /// How many of its commit requests were acknowledged.
        commits: u64,
    },
    /// There is nothing left to guard: all pipelines have ended.
    Finished,
}

impl GuardEnd {
    /// The exit code of the process: 1 for a fault, 0 for an end that was wanted (expiry, maximum of commits, nothing to guard).
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Expired | Self::MaxCommits { .. } | Self::Finished => 0,
            Self::Failed { .. }
            | Self::NothingCommitted { .. }
            | Self::NothingPolled { .. }
            | Self::BrokerLost { .. } => 1,
        }
    }
}

impl fmt::Display for GuardEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { pipeline, error } => {
                write!(f, "an error ended pipeline `{pipeline}`: {}", chain(error))
            }
            Self::NothingCommitted { pipeline, lasting } => {
                let lasting = shown(*lasting);
                write!(f, "pipeline `{pipeline}` has committed nothing for {lasting}, ")?;
                f.write_str("though there was something to commit")
            }
            Self::NothingPolled { pipeline, lasting } => {
                write!(f, "pipeline `{pipeline}` has not polled for {}", shown(*lasting))
            }
            Self::BrokerLost { pipeline, lasting, reason } => {
                write!(f, "pipeline `{pipeline}` has reached no broker for {}: {reason}", shown(*lasting))
            }
            Self::Expired => f.write_str("the time after which it is to end is over"),
            Self::MaxCommits { pipeline, commits } => {
                write!(f, "pipeline `{pipeline}` has made the {commits} commits after which it is to end")
            }
            Self::Finished => f.write_str("all pipelines that were guarded have ended"),
        }
    }
}

/// Nobody reads the milliseconds of an hour.
fn shown(lasting: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(lasting.as_secs()))
}
