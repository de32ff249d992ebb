//! How a pipeline runs, apart from its work: brokers, group, budgets, the local store, logs, traces, the guard and
//! any property of the client. Kept apart so that the same program runs on a laptop and in production, and so that a
//! wrong setting is named before anything starts.
//!
//! Settings come from code ([`Config::builder`]), from the environment ([`Config::from_env`]) or from both. Passwords,
//! keys and tokens never show in `Debug`, errors or [`Config::print`].

mod builder;
mod check;
mod choices;
mod dead_letters;
mod duration;
mod env;
mod error;
mod features;
mod kinds;
mod names;
mod nearest;
mod owned;
mod print;
mod properties;
pub(crate) mod redact;
mod settings;
mod source;
mod table;
mod text;
mod wrong;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::{builder::Settings, check::Properties};

pub(crate) use self::dead_letters::dead_letter_variable;
pub use self::{
    builder::ConfigBuilder,
    choices::{ChoiceError, OutOfRange, Protocol, Start},
    duration::{DurationError, IntoDuration, parse_duration},
    error::ConfigError,
    settings::{GuardSettings, LogSettings, MeasureSettings, TraceSettings},
    source::Source,
    wrong::{WrongKind, WrongSetting},
};

/// Everything that is set outside of the pipeline itself. Made by [`Config::builder`] or [`Config::from_env`]; once
/// made it is right, as far as that can be known without a broker.
///
/// ```
/// use std::time::Duration;
/// use healer::Config;
///
/// let config = Config::builder().brokers("localhost:9092").group("flights").commit_interval("2s").build()?;
/// assert_eq!(config.commit_interval(), Duration::from_secs(2));
/// # Ok::<(), healer::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Config {
    settings: Settings,
    dead_letter_topics: dead_letters::Topics,
    properties: Properties,
    warnings: Vec<String>,
}

impl Config {
    /// A builder with nothing set.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// The configuration of the process's environment; [`ConfigBuilder::from_env`] lists the variables.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every variable that is wrong, and where `HEALER_BROKERS` is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder().from_env().build()
    }

    /// The same configuration with this group, the pipeline's name, where none was set.
    pub fn with_default_group(mut self, pipeline: &str) -> Self {
        if self.group().is_none() {
            self.settings.put("group", Some(pipeline.to_owned()), Source::Pipeline, |it| &mut it.group);
        }
        self
    }

    /// How and how much is logged.
    pub fn logs(&self) -> &LogSettings {
        &self.settings.values.logs
    }

    /// When the guard ends the process. It acts only where a guard was built.
    pub fn guard(&self) -> &GuardSettings {
        &self.settings.values.guard
    }

    /// Where traces are sent, if anywhere.
    pub fn traces(&self) -> &TraceSettings {
        &self.settings.values.traces
    }

    /// Measurements of the metrics beside counting.
    pub fn measures(&self) -> MeasureSettings {
        self.settings.values.measures
    }

    /// The property `max.poll.interval.ms`: the longest time between two polls before the group gives this member up.
    /// Default: 5 min.
    pub fn max_poll_interval(&self) -> Duration {
        check::max_poll_interval(&self.properties)
    }

    /// Oddities that are no errors, such as environment variables that are no setting. Already logged.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
