//! Durations as people write them, `"250ms"` or `"2s"`: settings, attributes and the DSL all read them here, so
//! that one text means the same everywhere and a wrong one gets the same answer.

use std::time::Duration;

/// The form of a duration, for error texts.
const ALLOWED: &str = r#"a number with a unit, such as "250ms", "2s" or "1m 30s""#;

/// A text that is no duration.
///
/// The message has the text, the reason and the form that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: {reason}; allowed: {ALLOWED}")]
#[non_exhaustive]
pub struct DurationError {
    text: String,
    reason: String,
}

impl DurationError {
    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it is no duration.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The form that is accepted, in words.
    #[allow(clippy::unused_self)] // reads like the other parts of the error
    pub fn allowed(&self) -> &'static str {
        ALLOWED
    }
}

/// Reads a duration: numbers with units, from `ns` to `years`, added up.
///
/// A number without a unit is refused (only `0` needs none), so that nobody has to guess between seconds and
/// milliseconds.
///
/// # Errors
///
/// [`DurationError`] where the text is empty, lacks a unit, is negative or too large.
///
/// ```
/// use std::time::Duration;
/// use healer::config::parse_duration;
///
/// assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
/// assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
/// assert!(parse_duration("250").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let trimmed = text.trim();
    if trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(trimmed)
        .map_err(|why| DurationError { text: text.to_owned(), reason: why.to_string() })
}

/// A duration as a setting or a DSL argument takes it: a [`Duration`], or text such as `"250ms"`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a duration",
    label = "expected a `std::time::Duration`, or text such as \"250ms\" or \"2s\""
)]
pub trait IntoDuration {
    /// The duration.
    ///
    /// # Errors
    ///
    /// [`DurationError`] where a text is not one (see [`parse_duration`]).
    fn into_duration(self) -> Result<Duration, DurationError>;
}

impl IntoDuration for Duration {
    fn into_duration(self) -> Result<Duration, DurationError> {
        Ok(self)
    }
}

impl IntoDuration for &str {
    fn into_duration(self) -> Result<Duration, DurationError> {
        parse_duration(self)
    }
}

impl IntoDuration for &String {
    fn into_duration(self) -> Result<Duration, DurationError> {
        parse_duration(self)
    }
}

impl IntoDuration for String {
    fn into_duration(self) -> Result<Duration, DurationError> {
        parse_duration(&self)
    }
}
