//! One wrong setting: its key, its value and the values that are allowed.

use std::fmt;

use super::{redact, source::Source};

/// Why a setting was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WrongKind {
    /// The setting is required and was not given.
    Missing,
    /// The value cannot be read, or is not an allowed one.
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

    /// The values that would be accepted, or the setting to use instead.
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
