//! Settings that are a word, a text or a path.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{At, Kind, Read, Take};
use crate::config::{
    choices::{ChoiceError, Chosen},
    text::Text,
};

/// On or off.
pub(in crate::config) struct Flag {
    pub(in crate::config) default: bool,
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
pub(in crate::config) struct Word {
    pub(in crate::config) default: &'static str,
    pub(in crate::config) text: &'static Text,
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
pub(in crate::config) struct Choice<T> {
    pub(in crate::config) default: T,
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
pub(in crate::config) struct Folder {
    /// The text that is shown for none.
    pub(in crate::config) none: &'static str,
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
