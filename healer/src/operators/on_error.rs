//! What becomes of records that failed.

use std::sync::Arc;

/// What happens to a record that failed for good.
///
/// Said by a stage (`#[stage(on_error = …)]`), by a source for what it cannot decode, or by the whole pipeline
/// ([`App::on_error`](crate::App::on_error)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// The pipeline stops with the error and the offset stays uncommitted (the default).
    #[default]
    Stop,
    /// The record is skipped, counted under the reason `failed` (`undecodable` at a source), and logged.
    Skip,
    /// The record goes to this topic as it came in, with headers that say what went wrong, and is done when the broker has
    /// acknowledged that. See [`dead_letter`](crate::dead_letter).
    DeadLetter(Arc<str>),
}

impl OnError {
    /// [`OnError::DeadLetter`] to a topic.
    pub fn dead_letter(topic: impl Into<Arc<str>>) -> Self {
        Self::DeadLetter(topic.into())
    }

    pub(crate) fn dead_letter_topic(&self) -> Option<&Arc<str>> {
        match self {
            Self::DeadLetter(topic) => Some(topic),
            Self::Stop | Self::Skip => None,
        }
    }
}
