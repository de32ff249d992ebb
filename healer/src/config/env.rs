//! Settings from environment variables. Reads pairs of name and value, not the process, so that tests never touch
//! the environment that all threads share.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use super::{
    ConfigBuilder, OutOfRange, Protocol, Start,
    builder::{brokers_of, group_of, start_of, store_of},
    nearest::nearest,
    redact,
    settings::{self, PROPERTY_PREFIX},
    source::{Given, Source},
    variable::{Var, not_utf8},
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
    /// | `HEALER_MEMORY_BUDGET` | [`memory_budget`](Self::memory_budget), bytes |
    /// | `HEALER_METADATA_MAX_BYTES` | [`metadata_max_bytes`](Self::metadata_max_bytes), 0 for none; below 40 no snapshot is believed |
    /// | `HEALER_STALL_AFTER` | [`stall_after`](Self::stall_after) |
    /// | `HEALER_UNREACHABLE_AFTER` | [`unreachable_after`](Self::unreachable_after) |
    /// | `HEALER_HELD_BACK_AFTER` | [`held_back_after`](Self::held_back_after) |
    /// | `HEALER_DEAD_LETTER_TOPIC` | [`dead_letter_topic`](Self::dead_letter_topic) |
    /// | `HEALER_DEAD_LETTER_TOPIC_<STAGE>` | [`dead_letter_topic_of`](Self::dead_letter_topic_of) |
    /// | `HEALER_STORE` | [`store_path`](Self::store_path): a folder, or `memory` |
    /// | `HEALER_POLL_BUDGET` | [`poll_budget`](Self::poll_budget) |
    /// | `HEALER_DRAIN_BUDGET` | [`drain_budget`](Self::drain_budget) |
    /// | `HEALER_CONNECT_TIMEOUT` | [`connect_timeout`](Self::connect_timeout) |
    /// | `HEALER_START_BUDGET` | [`start_budget`](Self::start_budget) |
    /// | `MAXLEN_MEMORY` | [`memory_max_len`](Self::memory_max_len), entries |
    /// | `MAXAGE_MEMORY` | [`memory_max_age`](Self::memory_max_age), seconds, or with a unit such as `1h` |
    /// | `HEALER_KAFKA_<NAME>` | [`set`](Self::set), with `_` for `.`: `HEALER_KAFKA_SECURITY_PROTOCOL=sasl_plaintext` |
    /// | `ENABLE_CHECKPOINTING` | [`checkpointing`](Self::checkpointing): yes or no |
    /// | `ENABLE_JSON_LOGGING` | [`log_json`](Self::log_json): yes or no |
    /// | `LOGLEVEL` | [`log_level`](Self::log_level), such as `DEBUG` or `INFO,healer=DEBUG` |
    /// | `ENABLE_EMIT_LOGGING` | [`log_data`](Self::log_data): yes or no |
    /// | `HEALER_LOG_DATA_MAX_BYTES` | [`log_data_max_bytes`](Self::log_data_max_bytes) |
    /// | `ENABLE_OPENTELEMETRY_JAEGER` | [`traces`](Self::traces): yes or no |
    /// | `OPENTELEMETRY_SERVICE_NAME` | [`service_name`](Self::service_name) |
    /// | `JAEGER_HOSTNAME` | [`otlp_host`](Self::otlp_host), the host alone |
    /// | `JAEGER_PORT` | [`otlp_port`](Self::otlp_port); 6831, where Jaeger took its own protocol, is taken as 4317 with a warning |
    /// | `HEALER_TRACES_RATIO` | [`traces_ratio`](Self::traces_ratio), 0 to 1 |
    /// | `HEALING_GOT_ERROR` | [`guard_on_error`](Self::guard_on_error): yes or no |
    /// | `HEALING_GOT_DASK` | [`guard_on_lost_backend`](Self::guard_on_lost_backend): yes or no |
    /// | `HEALING_GRACEFUL_OFFSET` | [`graceful_offset`](Self::graceful_offset), 0 for never |
    /// | `HEALING_GRACEFUL_POLLING` | [`graceful_polling`](Self::graceful_polling), 0 for never |
    /// | `HEALING_INTERVAL` | [`guard_interval`](Self::guard_interval) |
    /// | `HEALING_SLEEP_BEFORE_SHUTDOWN` | [`sleep_before_shutdown`](Self::sleep_before_shutdown), 0 for none |
    /// | `HEALING_AUTO_EXPIRED` | [`expires_after`](Self::expires_after), 0 for never |
    /// | `HEALING_MAX_TOTAL_COMMIT` | [`max_commits`](Self::max_commits), 0 for no limit |
    /// | `HEALER_MEASURE_DURATIONS` | [`measure_durations`](Self::measure_durations): yes or no |
    /// | `HEALER_MEASURE_SIZES` | [`measure_sizes`](Self::measure_sizes): yes or no |
    ///
    /// Yes is `true`, `yes`, `on` or `1`, no is `false`, `no`, `off` or `0`, in small or capital letters. The durations of
    /// `HEALING_…` are seconds, or have a unit such as `30m`.
    ///
    /// Another variable that begins with `HEALER_` or `HEALING_` is warned about, once in a process, with the nearest
    /// known name. Where the configuration is wrong the error names them too, and any that is nearly one of these
    /// ([`ConfigError::hints`](crate::ConfigError::hints)).
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
        } else {
            self.setting(name, value);
        }
    }

    fn setting(&mut self, name: &str, value: OsString) {
        if self.dead_letter_variable(name, &value) {
            return;
        }
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
            n if n == settings::MEMORY_BUDGET.setting.env => {
                self.memory_budget = Some(var.number(&settings::MEMORY_BUDGET));
            }
            n if n == settings::METADATA_MAX_BYTES.setting.env => {
                self.metadata_max_bytes = Some(var.number(&settings::METADATA_MAX_BYTES));
            }
            n if n == settings::STALL_AFTER.setting.env => {
                self.stall_after = Some(var.duration(&settings::STALL_AFTER, false));
            }
            n if n == settings::UNREACHABLE_AFTER.setting.env => {
                self.unreachable_after = Some(var.duration(&settings::UNREACHABLE_AFTER, false));
            }
            n if n == settings::HELD_BACK_AFTER.setting.env => {
                self.held_back_after = Some(var.duration(&settings::HELD_BACK_AFTER, false));
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
            n if n == settings::START_BUDGET.setting.env => {
                self.start_budget = Some(var.duration(&settings::START_BUDGET, false));
            }
            other => self.operating_variable(other, var),
        }
    }

    /// Never shows the value: nobody knows what it is.
    pub(super) fn unknown(&mut self, name: &str) {
        let name = redact::name(name);
        if settings::NOT_SETTINGS.contains(&name) {
            return;
        }
        let ours = settings::OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        // Names are in capitals, and the slip may be in what they begin with.
        let known = nearest(&name.to_ascii_uppercase(), &settings::VARIABLES);
        let mut text = format!("the environment variable {name} is no setting of healer");
        if let Some(known) = known {
            text.push_str("; did you mean ");
            text.push_str(known);
            text.push('?');
        }
        if ours {
            self.warn(name, text.clone());
        }
        if (ours || known.is_some()) && !self.hints.contains(&text) {
            self.hints.push(text);
        }
    }

    /// Logged once in a process, kept once in a configuration.
    pub(super) fn warn(&mut self, variable: &str, warning: String) {
        if first_time(variable) {
            tracing::warn!(variable, "{warning}");
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
