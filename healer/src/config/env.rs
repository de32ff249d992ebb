//! Settings from environment variables. Reads pairs of name and value, not the process, so that tests never touch
//! the environment that all threads share.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::PathBuf,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use super::{
    ConfigBuilder, OutOfRange, Protocol, Start,
    builder::{brokers_of, duration, group_of, number, start_of, store_of},
    choices::ChoiceError,
    error::{WrongKind, WrongSetting},
    nearest::nearest,
    redact,
    settings::{self, NumberSetting, PROPERTY_PREFIX, Setting},
    source::{Given, Source},
};

/// The property names of librdkafka that hold a `_`, as [`property_name`] would spell them, and as they are.
const WITH_UNDERSCORE: [(&str, &str); 1] = [("log.level", "log_level")];

impl ConfigBuilder {
    /// Takes the settings of the process's environment, on top of those given so far (the later call wins).
    ///
    /// | variable | setting |
    /// | --- | --- |
    /// | `HEALER_BROKERS` | [`brokers`](Self::brokers) |
    /// | `HEALER_GROUP` | [`group`](Self::group) |
    /// | `HEALER_PROTOCOL` | [`protocol`](Self::protocol): `classic`, `consumer` |
    /// | `HEALER_START` | [`start`](Self::start): `earliest`, `latest`, `error`, `time:2026-01-31T12:00:00Z`, `time:` and milliseconds since 1970 |
    /// | `HEALER_OUT_OF_RANGE` | [`out_of_range`](Self::out_of_range): `error`, `earliest`, `latest` |
    /// | `HEALER_COMMIT_INTERVAL` | [`commit_interval`](Self::commit_interval), such as `2s` |
    /// | `HEALER_IN_FLIGHT` | [`in_flight`](Self::in_flight), records of one partition |
    /// | `HEALER_THREADS` | [`threads`](Self::threads) |
    /// | `HEALER_METADATA_MAX_BYTES` | [`metadata_max_bytes`](Self::metadata_max_bytes), 0 for none |
    /// | `HEALER_STALL_AFTER` | [`stall_after`](Self::stall_after) |
    /// | `HEALER_STORE` | [`store_path`](Self::store_path): a folder, or `memory` |
    /// | `HEALER_POLL_BUDGET` | [`poll_budget`](Self::poll_budget) |
    /// | `HEALER_DRAIN_BUDGET` | [`drain_budget`](Self::drain_budget) |
    /// | `HEALER_CONNECT_TIMEOUT` | [`connect_timeout`](Self::connect_timeout) |
    /// | `MAXLEN_MEMORY` | [`memory_max_len`](Self::memory_max_len), entries |
    /// | `MAXAGE_MEMORY` | [`memory_max_age`](Self::memory_max_age), seconds, or with a unit such as `1h` |
    /// | `HEALER_KAFKA_<NAME>` | [`set`](Self::set), with `_` for `.`: `HEALER_KAFKA_SECURITY_PROTOCOL=sasl_plaintext` |
    ///
    /// Another variable that begins with `HEALER_` is warned about, once in a process, with the nearest known name.
    #[allow(clippy::wrong_self_convention)] // the word that `Config::from_env` taught the reader
    pub fn from_env(self) -> Self {
        self.from_vars(std::env::vars_os())
    }

    /// [`from_env`](Self::from_env) with these pairs of name and value in place of the process's environment.
    ///
    /// ```
    /// use healer::Config;
    ///
    /// let vars = [("HEALER_BROKERS", "localhost:9092"), ("HEALER_KAFKA_CLIENT_ID", "flights-1")];
    /// let config = Config::builder().from_vars(vars).build()?;
    /// assert_eq!(config.consumer_properties()["client.id"], "flights-1");
    /// # Ok::<(), healer::ConfigError>(())
    /// ```
    #[allow(clippy::wrong_self_convention)] // as above
    pub fn from_vars<K, V>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        for (name, value) in vars {
            // no variable of ours has a name that is not UTF-8
            if let Ok(name) = name.into().into_string() {
                self.variable(&name, value.into());
            }
        }
        self
    }

    fn variable(&mut self, name: &str, value: OsString) {
        if let Some(rest) = name.strip_prefix(PROPERTY_PREFIX) {
            let property = property_name(rest);
            let given = property_of(&property, value, Source::Env(redact::name(name).to_owned()));
            self.properties.insert(property, given);
        } else if name.starts_with("HEALER_") || name.ends_with("_MEMORY") {
            self.setting(name, value);
        }
    }

    fn setting(&mut self, name: &str, value: OsString) {
        let source = Source::Env(name.to_owned());
        if name == settings::STORE.env {
            // the one value that need not be UTF-8
            let memory = value.to_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("memory"));
            self.store_path = Some(store_of((!memory).then(|| PathBuf::from(value)), source));
            return;
        }
        let var = Var { value, source };
        match name {
            n if n == settings::BROKERS.env => {
                let brokers = var.text(&settings::BROKERS, settings::BROKERS_ALLOWED);
                self.brokers = Some(var.then(brokers, brokers_of));
            }
            n if n == settings::GROUP.env => {
                let group = var.text(&settings::GROUP, "any name");
                self.group = Some(var.then(group, group_of));
            }
            n if n == settings::PROTOCOL.env => {
                let protocol = var.choice::<Protocol>(&settings::PROTOCOL, Protocol::ALLOWED);
                self.protocol = Some(var.then(protocol, Given::new));
            }
            n if n == settings::START.env => {
                let start = var.choice::<Start>(&settings::START, Start::ALLOWED);
                self.start = Some(var.then(start, start_of));
            }
            n if n == settings::OUT_OF_RANGE.env => {
                let choice = var.choice::<OutOfRange>(&settings::OUT_OF_RANGE, OutOfRange::ALLOWED);
                self.out_of_range = Some(var.then(choice, Given::new));
            }
            n if n == settings::IN_FLIGHT.setting.env => {
                self.in_flight = Some(var.number(&settings::IN_FLIGHT));
            }
            n if n == settings::THREADS.setting.env => {
                self.threads = Some(var.number(&settings::THREADS));
            }
            n if n == settings::METADATA_MAX_BYTES.setting.env => {
                self.metadata_max_bytes = Some(var.number(&settings::METADATA_MAX_BYTES));
            }
            n if n == settings::STALL_AFTER.setting.env => {
                self.stall_after = Some(var.duration(&settings::STALL_AFTER, false));
            }
            n if n == settings::MEMORY_MAX_LEN.setting.env => {
                self.memory_max_len = Some(var.number(&settings::MEMORY_MAX_LEN));
            }
            n if n == settings::MEMORY_MAX_AGE.setting.env => {
                self.memory_max_age = Some(var.duration(&settings::MEMORY_MAX_AGE, true));
            }
            n if n == settings::COMMIT_INTERVAL.setting.env => {
                self.commit_interval = Some(var.duration(&settings::COMMIT_INTERVAL, false));
            }
            n if n == settings::POLL_BUDGET.setting.env => {
                self.poll_budget = Some(var.duration(&settings::POLL_BUDGET, false));
            }
            n if n == settings::DRAIN_BUDGET.setting.env => {
                self.drain_budget = Some(var.duration(&settings::DRAIN_BUDGET, false));
            }
            n if n == settings::CONNECT_TIMEOUT.setting.env => {
                self.connect_timeout = Some(var.duration(&settings::CONNECT_TIMEOUT, false));
            }
            unknown => self.unknown(unknown),
        }
    }

    /// Never shows the value: nobody knows what it is.
    fn unknown(&mut self, name: &str) {
        let name = redact::name(name);
        if !name.starts_with("HEALER_") || settings::NOT_SETTINGS.contains(&name) {
            return;
        }
        let mut warning = format!("the environment variable {name} is no setting of healer");
        if let Some(known) = nearest(name, &settings::VARIABLES) {
            warning.push_str("; did you mean ");
            warning.push_str(known);
            warning.push('?');
        }
        if first_time(name) {
            tracing::warn!(variable = name, "{warning}");
        }
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Whether this process sees the name for the first time.
pub(super) fn first_time(name: &str) -> bool {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // a set of names is whole even after a panic elsewhere
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
}

/// `SECURITY_PROTOCOL` is `security.protocol`.
fn property_name(variable: &str) -> String {
    let name = variable.to_ascii_lowercase().replace('_', ".");
    WITH_UNDERSCORE.iter().find(|(dots, _)| *dots == name).map_or(name, |(_, real)| (*real).to_owned())
}

fn property_of(property: &str, value: OsString, source: Source) -> Given<String> {
    match value.into_string() {
        Ok(value) => Given::new(value, source),
        Err(value) => Given::wrong(not_utf8(property, &value, &source)),
    }
}

fn not_utf8(key: &str, value: &OsString, source: &Source) -> WrongSetting {
    WrongSetting::new(WrongKind::NotUtf8, key, &value.to_string_lossy(), source)
        .problem("it is not UTF-8")
        .allowed("text in UTF-8")
}

/// One variable of a known setting.
struct Var {
    value: OsString,
    source: Source,
}

/// The value as text or as `T`, or what is wrong with it.
type Read<T> = Result<T, Box<WrongSetting>>;

impl Var {
    fn invalid(&self, setting: &Setting, value: &str) -> WrongSetting {
        WrongSetting::new(WrongKind::Invalid, setting.name, value, &self.source)
    }

    fn text(&self, setting: &Setting, allowed: &str) -> Read<String> {
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

    fn choice<T: FromStr<Err = ChoiceError>>(&self, setting: &Setting, allowed: &str) -> Read<T> {
        self.text(setting, allowed)?.parse().map_err(|wrong: ChoiceError| {
            let one = self.invalid(setting, wrong.text()).problem("it is not one of the choices");
            Box::new(one.allowed(wrong.allowed()))
        })
    }

    fn number(self, setting: &NumberSetting) -> Given<usize> {
        let read = self.text(&setting.setting, &setting.allowed()).and_then(|text| {
            text.parse().map_err(|_| {
                let wrong = self.invalid(&setting.setting, &text).problem("it is no such number");
                Box::new(wrong.allowed(setting.allowed()))
            })
        });
        self.then(read, |value, source| number(setting, value, source))
    }

    /// `bare_seconds`: a number without a unit means seconds.
    fn duration(self, setting: &settings::DurationSetting, bare_seconds: bool) -> Given<std::time::Duration> {
        let read = self.text(&setting.setting, &setting.allowed());
        self.then(read, |mut text, source| {
            if bare_seconds && text.parse::<u64>().is_ok() {
                text.push('s');
            }
            duration(setting, text, source)
        })
    }

    fn then<T, U>(self, read: Read<T>, give: impl FnOnce(T, Source) -> Given<U>) -> Given<U> {
        match read {
            Ok(value) => give(value, self.source),
            Err(wrong) => Given::wrong(*wrong),
        }
    }
}
