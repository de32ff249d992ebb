//! All that is wrong with a configuration, at once.

use std::fmt;

use super::{LogSettings, wrong::WrongSetting};

/// A configuration that cannot be used: every wrong setting, not only the first.
///
/// ```
/// use healer::Config;
///
/// let error = Config::builder().commit_interval("0s").in_flight(0).build().unwrap_err();
/// let keys: Vec<_> = error.wrong().iter().map(|wrong| wrong.key()).collect();
/// assert_eq!(keys, ["brokers", "commit_interval", "in_flight"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong in {}", Listed(wrong, hints))]
#[non_exhaustive]
pub struct ConfigError {
    wrong: Vec<WrongSetting>,
    hints: Vec<String>,
    logs: LogSettings,
}

impl ConfigError {
    pub(super) fn new(wrong: Vec<WrongSetting>, hints: Vec<String>, logs: LogSettings) -> Self {
        Self { wrong, hints, logs }
    }

    /// How is to be logged, as far as that is right, so that this error can be logged like all else:
    /// [`log_error`](crate::observe::log_error) does that.
    pub fn logs(&self) -> &LogSettings {
        &self.logs
    }

    /// Every wrong setting, at least one.
    pub fn wrong(&self) -> &[WrongSetting] {
        &self.wrong
    }

    /// Environment variables that are no setting and look like one, in words, without their values: perhaps one of them was
    /// meant for a setting that is wrong here.
    ///
    /// ```
    /// use healer::Config;
    ///
    /// let error = Config::builder().from_vars([("HEALER_BROKER", "localhost:9092")]).build().unwrap_err();
    /// assert_eq!(
    ///     error.hints(),
    ///     ["the environment variable HEALER_BROKER is no setting of healer; did you mean HEALER_BROKERS?"]
    /// );
    /// ```
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

struct Listed<'a>(&'a [WrongSetting], &'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("one setting:")?,
            n => write!(f, "{n} settings:")?,
        }
        self.0.iter().try_for_each(|one| write!(f, "\n  {one}"))?;
        self.1.iter().try_for_each(|hint| write!(f, "\n  {hint}"))
    }
}
