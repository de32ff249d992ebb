//! The policies for records that failed.

use std::sync::Arc;

/// The policy for a record that failed for good.
///
/// Set for a stage (`#[stage(on_error = …)]`), for a source (records that it cannot decode), or for the whole pipeline
/// ([`App::on_error`](crate::App::on_error)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// The pipeline stops with the error and the offset stays uncommitted (the default).
    #[default]
    Stop,
    /// The record is skipped, counted under the reason `failed` (`undecodable` at a source), and logged.
    Skip,
    /// The record goes to this topic as it came in, with headers about the failure, and is done when the broker has
    /// acknowledged that. See [`dead_letter`](crate::dead_letter).
    DeadLetter(Arc<str>),
    /// As [`DeadLetter`](Self::DeadLetter), to the topic that the configuration names
    /// ([`dead_letter_topic`](crate::ConfigBuilder::dead_letter_topic), `HEALER_DEAD_LETTER_TOPIC`). Where it names none the pipeline is not built.
    ///
    /// ```
    /// use healer::prelude::*;
    ///
    /// let orders = kafka::text("orders").on_error(OnError::ConfiguredDeadLetter).stream("orders");
    /// let app = App::new("payments").chain(orders.heal());
    /// let config = Config::builder().brokers("localhost:9092").dead_letter_topic("payments.dead").build()?;
    /// let built = app.build(&config)?;
    /// assert!(built.describe().to_string().contains("dead letter to payments.dead"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ConfiguredDeadLetter,
}

impl OnError {
    /// [`OnError::DeadLetter`] to a topic.
    pub fn dead_letter(topic: impl Into<Arc<str>>) -> Self {
        Self::DeadLetter(topic.into())
    }

    /// Whether records become dead letters.
    pub(crate) fn buries(&self) -> bool {
        matches!(self, Self::DeadLetter(_) | Self::ConfiguredDeadLetter)
    }

    /// Where to, as far as that is settled: it is in a pipeline that is built.
    pub(crate) fn dead_letter_topic(&self) -> Option<&Arc<str>> {
        match self {
            Self::DeadLetter(topic) => Some(topic),
            Self::Stop | Self::Skip | Self::ConfiguredDeadLetter => None,
        }
    }
}
