//! One environment variable of a known setting, and how its text becomes the setting's value.

use std::{ffi::OsString, fmt, str::FromStr, time::Duration};

use super::{
    builder::{duration, number, ratio},
    choices::ChoiceError,
    error::{WrongKind, WrongSetting},
    settings::{
        DurationSetting, FLAG_ALLOWED, FlagSetting, NumberSetting, RATIO_ALLOWED, RatioSetting, Setting,
        TextSetting,
    },
    source::{Given, Source},
    text::text,
};

/// A variable that was set, whatever to.
pub(super) struct Var {
    pub(super) value: OsString,
    pub(super) source: Source,
}

/// The value as text or as `T`, or what is wrong with it.
type Read<T> = Result<T, Box<WrongSetting>>;

impl Var {
    fn invalid(&self, setting: &Setting, value: &str) -> WrongSetting {
        WrongSetting::new(WrongKind::Invalid, setting.name, value, &self.source)
    }

    pub(super) fn text(&self, setting: &Setting, allowed: &str) -> Read<String> {
        let Some(text) = self.value.to_str() else {
            return Err(Box::new(not_utf8(setting.name, &self.value, &self.source)));
        };
        match text.trim() {
            "" => Err(Box::new(
                self.invalid(setting, "")
                    .problem("it is empty (remove the variable for the default)")
                    .allowed(allowed),
            )),
            text => Ok(text.to_owned()),
        }
    }

    pub(super) fn choice<T: FromStr<Err = ChoiceError>>(&self, setting: &Setting, allowed: &str) -> Read<T> {
        self.text(setting, allowed)?.parse().map_err(|wrong: ChoiceError| {
            let one = self.invalid(setting, wrong.text()).problem("it is not one of the choices");
            Box::new(one.allowed(wrong.allowed()))
        })
    }

    pub(super) fn number<T>(self, setting: &NumberSetting<T>) -> Given<T>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let read = self.text(&setting.setting, &setting.allowed()).and_then(|text| {
            text.parse::<T>().map_err(|_| {
                let wrong = self.invalid(&setting.setting, &text).problem("it is no such number");
                Box::new(wrong.allowed(setting.allowed()))
            })
        });
        self.then(read, |value, source| number(setting, value, source))
    }

    pub(super) fn ratio(self, setting: &RatioSetting) -> Given<f64> {
        let read = self.text(&setting.setting, RATIO_ALLOWED).and_then(|text| {
            text.parse::<f64>().map_err(|_| {
                let wrong = self.invalid(&setting.setting, &text).problem("it is no number");
                Box::new(wrong.allowed(RATIO_ALLOWED))
            })
        });
        self.then(read, |value, source| ratio(setting, value, source))
    }

    /// `bare_seconds`: a number without a unit means seconds.
    pub(super) fn duration(self, setting: &DurationSetting, bare_seconds: bool) -> Given<Duration> {
        let read = self.text(&setting.setting, &setting.allowed());
        self.then(read, |mut text, source| {
            if bare_seconds && text.parse::<u64>().is_ok() {
                text.push('s');
            }
            duration(setting, text, source)
        })
    }

    pub(super) fn flag(self, setting: &FlagSetting) -> Given<bool> {
        let read = self.text(&setting.setting, FLAG_ALLOWED).and_then(|text| {
            let word = text.to_ascii_lowercase();
            match word.as_str() {
                "true" | "yes" | "on" | "1" => Ok(true),
                "false" | "no" | "off" | "0" => Ok(false),
                _ => {
                    let wrong = self.invalid(&setting.setting, &text).problem("it is neither true nor false");
                    Err(Box::new(wrong.allowed(FLAG_ALLOWED)))
                }
            }
        });
        self.then(read, Given::new)
    }

    pub(super) fn word(self, setting: &TextSetting) -> Given<String> {
        let read = self.text(&setting.setting, setting.allowed);
        self.then(read, |given, source| text(setting, &given, source))
    }

    pub(super) fn then<T, U>(self, read: Read<T>, give: impl FnOnce(T, Source) -> Given<U>) -> Given<U> {
        match read {
            Ok(value) => give(value, self.source),
            Err(wrong) => Given::wrong(*wrong),
        }
    }
}

pub(super) fn not_utf8(key: &str, value: &OsString, source: &Source) -> WrongSetting {
    WrongSetting::new(WrongKind::NotUtf8, key, &value.to_string_lossy(), source)
        .problem("it is not UTF-8")
        .allowed("text in UTF-8")
}
