//! Why a pipeline was not built, not started, or ended early.

use std::{fmt, sync::Arc};

use healer_store::StoreError;

use super::{RecordError, StartError};
use crate::{
    broker::{BrokerError, BrokerErrorKind},
    config::ConfigError,
};

/// Why a pipeline was not built, not started, or ended before it was asked to.
///
/// Nothing is lost by any of them: unfinished records are not committed, and a restart begins there.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The pipeline itself is wrong; all faults at once.
    #[error("{0}")]
    Build(BuildError),
    /// A setting is wrong.
    #[error(transparent)]
    Config(Arc<ConfigError>),
    /// No broker answered within the bound.
    #[error("{0}")]
    Unreachable(String),
    /// Brokers answered, and were not ready within the start's budget: no coordinator, or no leader.
    #[error("{0}")]
    NotReady(String),
    /// A topic that is read or written does not exist.
    #[error("{0}")]
    UnknownTopic(String),
    /// The broker refused the credentials, or a right is missing.
    #[error("{0}")]
    NotAuthorized(String),
    /// The client or the broker gave up for another reason.
    #[error("{0}")]
    Broker(String),
    /// A partition has no place to start at.
    #[error(transparent)]
    Start(StartError),
    /// A record failed, and the failure policy is to stop.
    #[error(transparent)]
    Record(Arc<RecordError>),
    /// The local store cannot be opened or written.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The broker will not take this member's commits any more.
    #[error(
        "the broker refuses the commits of this member for good: {0}. Nothing beyond what was acknowledged is committed; mend the \
         reason and restart this member"
    )]
    Commit(String),
    /// The group does not know this member's commits any more, and no rebalance said so.
    #[error(
        "the broker refused to commit {topic}[{partition}] as another generation's, and no rebalance followed within a minute. \
         Nothing beyond what was acknowledged is committed; restart this member"
    )]
    Fenced {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
    },
    /// A [`Redrive`](crate::dead_letter::Redrive) was not told where letters may go.
    #[error("{0}")]
    Redrive(String),
    /// A thread of the engine panicked: a bug of healer.
    #[error("the engine panicked: {0}; please report this. Nothing beyond what was done was committed")]
    Engine(String),
}

impl Error {
    pub(crate) fn record(error: RecordError) -> Self {
        Self::Record(Arc::new(error))
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(Arc::new(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<BrokerError> for Error {
    fn from(error: BrokerError) -> Self {
        match error.kind {
            BrokerErrorKind::Transient => Self::NotReady(error.text),
            BrokerErrorKind::Unreachable => Self::Unreachable(error.text),
            BrokerErrorKind::UnknownTopic => Self::UnknownTopic(error.text),
            BrokerErrorKind::NotAuthorized => Self::NotAuthorized(error.text),
            _ => Self::Broker(error.text),
        }
    }
}

/// Everything that is wrong with a pipeline, found by `App::build` before any thread or connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildError {
    /// One text a fault, each with the node's path and how to mend it.
    pub faults: Vec<String>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.as_slice() {
            [one] => write!(f, "the pipeline can't run: {one}"),
            faults => {
                write!(f, "the pipeline can't run, {} faults:", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n- {fault}"))
            }
        }
    }
}

impl std::error::Error for BuildError {}
