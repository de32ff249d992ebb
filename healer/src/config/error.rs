//! What is wrong with a configuration: all of it at once, each with key, value and what is allowed.

use std::fmt;

use super::{LogSettings, redact, source::Source};

/// Why a setting was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongKind {
    /// The setting is required and was not given.
    Missing,
    /// The value cannot be read, or is outside of what is allowed.
    Invalid,
    /// The value of an environment variable is not UTF-8.
    NotUtf8,
    /// A client property that healer sets itself; another setting takes its place.
    Owned,
    /// A client property that needs a cargo feature of healer that this program was built without.
    NeedsFeature(&'static str),
    /// Two settings that do not go together.
    Conflict,
}

/// One wrong setting. Its value is already redacted where it is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongSetting {
    kind: WrongKind,
    key: String,
    value: Option<String>,
    source: Source,
    problem: String,
    allowed: String,
}

impl WrongSetting {
    /// Secrets in `value` are redacted here, so that no text of an error can hold one. `problem` and `allowed`
    /// must not quote the value of a property.
    pub(super) fn new(kind: WrongKind, key: &str, value: &str, source: &Source) -> Self {
        Self {
            kind,
            key: key.to_owned(),
            value: Some(redact::shown(key, value)),
            source: source.clone(),
            problem: String::new(),
            allowed: String::new(),
        }
    }

    pub(super) fn missing(key: &str) -> Self {
        Self { value: None, ..Self::new(WrongKind::Missing, key, "", &Source::Default) }
    }

    pub(super) fn problem(mut self, problem: impl Into<String>) -> Self {
        self.problem = problem.into();
        self
    }

    pub(super) fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = allowed.into();
        self
    }

    /// Why it was refused.
    pub fn kind(&self) -> WrongKind {
        self.kind
    }

    /// The setting (`commit_interval`) or client property (`sasl.password`).
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value as given, redacted where it is a secret; `None` where none was given.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Where the value came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What would be accepted, or what to use instead.
    pub fn what_is_allowed(&self) -> &str {
        &self.allowed
    }
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "`{}` = `{value}` ({}): ", self.key, self.source)?,
            None => write!(f, "`{}`: ", self.key)?,
        }
        let word = if self.kind == WrongKind::Owned { "instead" } else { "allowed" };
        write!(f, "{}; {word}: {}", self.problem, self.allowed)
    }
}

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
    /// meant to be what is wrong here.
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
