//! The kinds of settings: how a value is taken from code, read from a variable, shown and lent, and which values are allowed.

use std::{
    ffi::OsStr,
    fmt,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use super::{
    IntoDuration,
    choices::{ChoiceError, Chosen},
    redact,
    source::Source,
    text::Text,
    wrong::{WrongKind, WrongSetting},
};

/// A value, or its fault.
pub(super) type Read<T> = Result<T, Box<WrongSetting>>;

/// The setting that a value is for, and the place that it comes from.
pub(super) struct At {
    pub(super) name: &'static str,
    pub(super) source: Source,
    /// A variable of the original, in which a duration may be a bare number, of seconds.
    pub(super) original: bool,
}

impl At {
    pub(super) fn code(name: &'static str) -> Self {
        Self { name, source: Source::Builder, original: false }
    }

    pub(super) fn wrong(&self, kind: WrongKind, value: &str) -> WrongSetting {
        WrongSetting::new(kind, self.name, value, &self.source)
    }

    fn invalid(
        &self,
        value: &str,
        problem: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Box<WrongSetting> {
        Box::new(self.wrong(WrongKind::Invalid, value).problem(problem).allowed(allowed))
    }
}

/// A kind of setting.
pub(super) trait Kind {
    type Value: Clone + PartialEq;
    /// The value as a getter gives it.
    type Lent<'a>;

    /// The value where nobody sets one.
    fn default(&self) -> Self::Value;

    /// The values that are accepted, in words.
    fn allowed(&self) -> String;

    /// Reads the text of a variable, which is trimmed and not empty.
    fn read(&self, at: &At, text: &str) -> Read<Self::Value>;

    /// Reads a variable.
    fn read_os(&self, at: &At, value: &OsStr) -> Read<Self::Value> {
        let Some(text) = value.to_str() else {
            return Err(Box::new(not_utf8(at.name, value, &at.source)));
        };
        match text.trim() {
            "" => Err(at.invalid("", "it is empty (remove the variable for the default)", self.allowed())),
            text => self.read(at, text),
        }
    }

    fn show(&self, value: &Self::Value) -> String;

    fn lend(value: &Self::Value) -> Self::Lent<'_>;
}

/// A kind whose setter has this argument.
pub(super) trait Take<A>: Kind {
    fn take(&self, at: &At, given: A) -> Read<Self::Value>;
}

/// A duration within bounds.
pub(super) struct Time {
    pub(super) default: Duration,
    pub(super) range: RangeInclusive<Duration>,
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
pub(super) struct Number<T> {
    pub(super) default: T,
    pub(super) range: RangeInclusive<T>,
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
pub(super) struct Ratio {
    pub(super) default: f64,
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

/// On or off.
pub(super) struct Flag {
    pub(super) default: bool,
}

impl Kind for Flag {
    type Value = bool;
    type Lent<'a> = bool;

    fn default(&self) -> bool {
        self.default
    }

    fn allowed(&self) -> String {
        "`true`, `yes`, `on` or `1`; `false`, `no`, `off` or `0`; in small or capital letters".to_owned()
    }

    fn read(&self, at: &At, text: &str) -> Read<bool> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(at.invalid(text, "it is neither true nor false", self.allowed())),
        }
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }

    fn lend(value: &bool) -> bool {
        *value
    }
}

impl Take<bool> for Flag {
    fn take(&self, _: &At, on: bool) -> Read<bool> {
        Ok(on)
    }
}

/// A text, but not any.
pub(super) struct Word {
    pub(super) default: &'static str,
    pub(super) text: &'static Text,
}

impl Kind for Word {
    type Value = String;
    type Lent<'a> = &'a str;

    fn default(&self) -> String {
        self.default.to_owned()
    }

    fn allowed(&self) -> String {
        self.text.allowed.to_owned()
    }

    fn read(&self, at: &At, text: &str) -> Read<String> {
        self.take(at, text)
    }

    fn show(&self, value: &String) -> String {
        value.clone()
    }

    fn lend(value: &String) -> &str {
        value
    }
}

impl<A: Into<String>> Take<A> for Word {
    fn take(&self, at: &At, given: A) -> Read<String> {
        let given = given.into();
        (self.text.read)(&given).map_err(|problem| at.invalid(&given, problem, self.allowed()))
    }
}

/// One of a few words.
pub(super) struct Choice<T> {
    pub(super) default: T,
}

impl<T: Chosen> Kind for Choice<T> {
    type Value = T;
    type Lent<'a> = T;

    fn default(&self) -> T {
        self.default
    }

    fn allowed(&self) -> String {
        T::ALLOWED.to_owned()
    }

    fn read(&self, at: &At, text: &str) -> Read<T> {
        match text.parse() {
            Ok(value) => self.take(at, value),
            Err(ChoiceError { .. }) => Err(at.invalid(text, "it is not one of the choices", T::ALLOWED)),
        }
    }

    fn show(&self, value: &T) -> String {
        value.to_string()
    }

    fn lend(value: &T) -> T {
        *value
    }
}

impl<T: Chosen> Take<T> for Choice<T> {
    fn take(&self, at: &At, value: T) -> Read<T> {
        match value.problem() {
            None => Ok(value),
            Some(problem) => Err(at.invalid(&value.to_string(), problem, T::ALLOWED)),
        }
    }
}

/// A folder, or none; the one value that need not be UTF-8.
pub(super) struct Folder {
    /// The text that is shown for none.
    pub(super) none: &'static str,
}

impl Kind for Folder {
    type Value = Option<PathBuf>;
    type Lent<'a> = Option<&'a Path>;

    fn default(&self) -> Option<PathBuf> {
        None
    }

    fn allowed(&self) -> String {
        "a folder, or `memory` for none".to_owned()
    }

    fn read(&self, at: &At, text: &str) -> Read<Option<PathBuf>> {
        self.read_os(at, OsStr::new(text))
    }

    fn read_os(&self, at: &At, value: &OsStr) -> Read<Option<PathBuf>> {
        let memory = value.to_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("memory"));
        if memory { Ok(None) } else { self.take(at, value) }
    }

    fn show(&self, value: &Option<PathBuf>) -> String {
        value.as_ref().map_or_else(|| self.none.to_owned(), |folder| folder.display().to_string())
    }

    fn lend(value: &Option<PathBuf>) -> Option<&Path> {
        value.as_deref()
    }
}

impl<A: Into<PathBuf>> Take<A> for Folder {
    fn take(&self, at: &At, folder: A) -> Read<Option<PathBuf>> {
        let folder = folder.into();
        if folder.as_os_str().is_empty() {
            return Err(at.invalid("", "it is empty", self.allowed()));
        }
        Ok(Some(folder))
    }
}

/// A value that may be missing.
pub(super) struct Optional<K> {
    /// The text that is shown for none.
    pub(super) none: &'static str,
    pub(super) kind: K,
}

impl<K: Kind> Kind for Optional<K> {
    type Value = Option<K::Value>;
    type Lent<'a> = Option<K::Lent<'a>>;

    fn default(&self) -> Option<K::Value> {
        None
    }

    fn allowed(&self) -> String {
        self.kind.allowed()
    }

    fn read(&self, at: &At, text: &str) -> Read<Option<K::Value>> {
        self.kind.read(at, text).map(Some)
    }

    fn show(&self, value: &Option<K::Value>) -> String {
        value.as_ref().map_or_else(|| self.none.to_owned(), |value| self.kind.show(value))
    }

    fn lend(value: &Option<K::Value>) -> Option<K::Lent<'_>> {
        value.as_ref().map(K::lend)
    }
}

impl<K: Take<A>, A> Take<A> for Optional<K> {
    fn take(&self, at: &At, given: A) -> Read<Option<K::Value>> {
        self.kind.take(at, given).map(Some)
    }
}

pub(super) fn not_utf8(key: &str, value: &OsStr, source: &Source) -> WrongSetting {
    WrongSetting::new(WrongKind::NotUtf8, key, &value.to_string_lossy(), source)
        .problem("it is not UTF-8")
        .allowed("text in UTF-8")
}
