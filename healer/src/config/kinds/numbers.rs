//! Settings that are a quantity.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{At, Kind, Read, Take};
use crate::config::{IntoDuration, redact};

/// A duration within bounds.
pub(in crate::config) struct Time {
    pub(in crate::config) default: Duration,
    pub(in crate::config) range: RangeInclusive<Duration>,
}

impl Kind for Time {
    type Value = Duration;
    type Lent<'a> = Duration;

    fn default(&self) -> Duration {
        self.default
    }

    /// `1ms to 1day, such as "10s"`
    fn allowed(&self) -> String {
        let (min, max) = (self.show(self.range.start()), self.show(self.range.end()));
        format!("{min} to {max}, such as \"{}\"", self.show(&self.default))
    }

    fn read(&self, at: &At, text: &str) -> Read<Duration> {
        if at.original && text.parse::<u64>().is_ok() {
            self.take(at, format!("{text}s"))
        } else {
            self.take(at, text)
        }
    }

    fn show(&self, value: &Duration) -> String {
        humantime::format_duration(*value).to_string()
    }

    fn lend(value: &Duration) -> Duration {
        *value
    }
}

impl<A: IntoDuration> Take<A> for Time {
    fn take(&self, at: &At, given: A) -> Read<Duration> {
        let (text, problem) = match given.into_duration() {
            Ok(value) if self.range.contains(&value) => return Ok(value),
            Ok(value) => {
                let side = if value < *self.range.start() { "too short" } else { "too long" };
                (self.show(&value), side.to_owned())
            }
            Err(wrong) => (wrong.text().to_owned(), wrong.reason().to_owned()),
        };
        Err(at.invalid(&text, redact::shown("", &problem), self.allowed()))
    }
}

/// A whole number within bounds.
pub(in crate::config) struct Number<T> {
    pub(in crate::config) default: T,
    pub(in crate::config) range: RangeInclusive<T>,
}

impl<T: Copy + PartialOrd + FromStr + fmt::Display> Kind for Number<T> {
    type Value = T;
    type Lent<'a> = T;

    fn default(&self) -> T {
        self.default
    }

    /// `a whole number from 1 to 1000000, such as 1024`
    fn allowed(&self) -> String {
        let (min, max) = (self.range.start(), self.range.end());
        format!("a whole number from {min} to {max}, such as {}", self.default)
    }

    fn read(&self, at: &At, text: &str) -> Read<T> {
        match text.parse() {
            Ok(value) => self.take(at, value),
            Err(_) => Err(at.invalid(text, "it is no such number", self.allowed())),
        }
    }

    fn show(&self, value: &T) -> String {
        value.to_string()
    }

    fn lend(value: &T) -> T {
        *value
    }
}

impl<T: Copy + PartialOrd + FromStr + fmt::Display> Take<T> for Number<T> {
    fn take(&self, at: &At, value: T) -> Read<T> {
        if self.range.contains(&value) {
            return Ok(value);
        }
        let side = if value < *self.range.start() { "too small" } else { "too large" };
        Err(at.invalid(&value.to_string(), side, self.allowed()))
    }
}

/// A part of all, from 0 for none to 1.
pub(in crate::config) struct Ratio {
    pub(in crate::config) default: f64,
}

impl Kind for Ratio {
    type Value = f64;
    type Lent<'a> = f64;

    fn default(&self) -> f64 {
        self.default
    }

    fn allowed(&self) -> String {
        "a number from 0 to 1, such as 0.01".to_owned()
    }

    fn read(&self, at: &At, text: &str) -> Read<f64> {
        match text.parse() {
            Ok(value) => self.take(at, value),
            Err(_) => Err(at.invalid(text, "it is no number", self.allowed())),
        }
    }

    fn show(&self, value: &f64) -> String {
        value.to_string()
    }

    fn lend(value: &f64) -> f64 {
        *value
    }
}

impl Take<f64> for Ratio {
    fn take(&self, at: &At, value: f64) -> Read<f64> {
        let problem = match value {
            0.0..=1.0 => return Ok(value),
            value if value.is_nan() => "it is no number",
            ..0.0 => "too small",
            _ => "too large",
        };
        Err(at.invalid(&value.to_string(), problem, self.allowed()))
    }
}
