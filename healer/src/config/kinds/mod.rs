//! The kinds of settings: how a value is taken from code, read from a variable, shown and lent, and which values are allowed.

mod numbers;
mod words;

use std::ffi::OsStr;

use super::{
    source::Source,
    wrong::{WrongKind, WrongSetting},
};

pub(super) use self::{
    numbers::{Number, Ratio, Time},
    words::{Choice, Flag, Folder, Word},
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
