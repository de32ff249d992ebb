//! Why there is no broker: because this machine cannot run one, or because something is wrong.

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// This machine lacks something that a broker needs; the reason names it.
    #[error("{0}")]
    NotRun(String),
    /// All is there, and yet the broker does not run. The text holds the end of its log.
    #[error("the Kafka of the tests did not start: {0:#}")]
    Failed(#[from] anyhow::Error),
}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}
