//! The builder's methods for operating.

use std::time::Duration;

use super::Place;
use crate::config::{
    ConfigBuilder, IntoDuration,
    builder::{duration, number, ratio},
    settings::{self, DurationSetting, FlagSetting, Setting, TextSetting},
    source::{Given, Source},
    text::text,
};

impl ConfigBuilder {
    /// Whether `#[checkpoint]` keeps values (`ENABLE_CHECKPOINTING`). Default: true.
    pub fn checkpointing(self, on: bool) -> Self {
        self.flag(&settings::CHECKPOINTING, on, |it| &mut it.checkpointing)
    }

    /// Whether a log line is a JSON object instead of text (`ENABLE_JSON_LOGGING`). Default: false.
    pub fn log_json(self, on: bool) -> Self {
        self.flag(&settings::LOG_JSON, on, |it| &mut it.logs.json)
    }

    /// The lowest level that is logged: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`, in small or capital letters
    /// (`LOGLEVEL`). The words of Python's logging are taken too (`WARNING`, `CRITICAL`, `NOTSET`), and levels for parts of
    /// the program (`INFO,healer=DEBUG`). Default: `INFO`.
    pub fn log_level(self, level: impl Into<String>) -> Self {
        self.word(&settings::LOG_LEVEL, level, |it| &mut it.logs.level)
    }

    /// Whether the data of records is logged (`ENABLE_EMIT_LOGGING`). Default: false, for it may be personal or secret.
    pub fn log_data(self, on: bool) -> Self {
        self.flag(&settings::LOG_DATA, on, |it| &mut it.logs.data)
    }

    /// Where the data of one record is cut in the log, in bytes, 1 to 100,000,000 (`HEALER_LOG_DATA_MAX_BYTES`).
    /// Default: 10,000.
    pub fn log_data_max_bytes(self, bytes: usize) -> Self {
        let given = number(&settings::LOG_DATA_MAX_BYTES, bytes, Source::Builder);
        self.put(&settings::LOG_DATA_MAX_BYTES.setting, given, |it| &mut it.logs.data_max_bytes)
    }

    /// Whether traces are sent (`ENABLE_OPENTELEMETRY_JAEGER`). Default: false.
    pub fn traces(self, on: bool) -> Self {
        self.flag(&settings::TRACES, on, |it| &mut it.traces.enabled)
    }

    /// The service's name in the traces (`OPENTELEMETRY_SERVICE_NAME`). Default: `healer`.
    pub fn service_name(self, name: impl Into<String>) -> Self {
        self.word(&settings::SERVICE_NAME, name, |it| &mut it.traces.service_name)
    }

    /// The host that takes OTLP, its name or address alone (`JAEGER_HOSTNAME`). Default: `localhost`.
    pub fn otlp_host(self, host: impl Into<String>) -> Self {
        self.word(&settings::OTLP_HOST, host, |it| &mut it.traces.host)
    }

    /// The port that takes OTLP over gRPC, 1 to 65535 (`JAEGER_PORT`, where 6831, which took Jaeger's own protocol, is
    /// taken as 4317 with a warning). Default: 4317.
    pub fn otlp_port(self, port: u16) -> Self {
        let given = number(&settings::OTLP_PORT, port, Source::Builder);
        self.put(&settings::OTLP_PORT.setting, given, |it| &mut it.traces.port)
    }

    /// Which part of the records is traced, from 0 for none to 1 for all (`HEALER_TRACES_RATIO`). A record whose header
    /// `traceparent` says whether it is traced goes by that. Default: 1.
    pub fn traces_ratio(self, part: f64) -> Self {
        let given = ratio(&settings::TRACES_RATIO, part, Source::Builder);
        self.put(&settings::TRACES_RATIO.setting, given, |it| &mut it.traces.ratio)
    }

    /// Whether the guard ends the process after an error that ended a pipeline (`HEALING_GOT_ERROR`). Default: true.
    pub fn guard_on_error(self, on: bool) -> Self {
        self.flag(&settings::GUARD_ON_ERROR, on, |it| &mut it.guard.on_error)
    }

    /// Whether the guard ends the process when the broker's connection or a shared store is lost (`HEALING_GOT_DASK`).
    /// Default: true.
    pub fn guard_on_lost_backend(self, on: bool) -> Self {
        self.flag(&settings::GUARD_ON_LOST_BACKEND, on, |it| &mut it.guard.on_lost_backend)
    }

    /// How long nothing may be committed, while there is something to commit, before the guard ends the process
    /// (`HEALING_GRACEFUL_OFFSET`, where a bare number means seconds). Default: 1 h; 0: for ever.
    pub fn graceful_offset(self, time: impl IntoDuration) -> Self {
        self.time(&settings::GRACEFUL_OFFSET, time, |it| &mut it.guard.graceful_offset)
    }

    /// How long a pipeline may go without polling before the guard ends the process (`HEALING_GRACEFUL_POLLING`, where
    /// a bare number means seconds). Default: 30 min; 0: for ever.
    pub fn graceful_polling(self, time: impl IntoDuration) -> Self {
        self.time(&settings::GRACEFUL_POLLING, time, |it| &mut it.guard.graceful_polling)
    }

    /// How often the guard looks, 1 ms to one day (`HEALING_INTERVAL`, where a bare number means seconds). Default: 5 s.
    pub fn guard_interval(self, every: impl IntoDuration) -> Self {
        self.time(&settings::GUARD_INTERVAL, every, |it| &mut it.guard.interval)
    }

    /// How long the guard waits before it ends the process, at most one day (`HEALING_SLEEP_BEFORE_SHUTDOWN`, where a
    /// bare number means seconds). Default: 2 s; 0: not at all.
    pub fn sleep_before_shutdown(self, time: impl IntoDuration) -> Self {
        self.time(&settings::SLEEP_BEFORE_SHUTDOWN, time, |it| &mut it.guard.sleep_before_shutdown)
    }

    /// How long the process lives before the guard ends it (`HEALING_AUTO_EXPIRED`, where a bare number means seconds).
    /// Default: 3 h; 0: for ever.
    pub fn expires_after(self, time: impl IntoDuration) -> Self {
        self.time(&settings::EXPIRES_AFTER, time, |it| &mut it.guard.expires_after)
    }

    /// After how many commits of a pipeline the guard ends the process (`HEALING_MAX_TOTAL_COMMIT`). Default: 0, never.
    pub fn max_commits(self, commits: u64) -> Self {
        let given = number(&settings::MAX_COMMITS, commits, Source::Builder);
        self.put(&settings::MAX_COMMITS.setting, given, |it| &mut it.guard.max_commits)
    }

    /// Whether the metrics measure how long stages take (`HEALER_MEASURE_DURATIONS`). Default: true.
    pub fn measure_durations(self, on: bool) -> Self {
        self.flag(&settings::MEASURE_DURATIONS, on, |it| &mut it.measures.durations)
    }

    /// Whether the metrics measure how many bytes go into stages and come out of them (`HEALER_MEASURE_SIZES`).
    /// Default: true.
    pub fn measure_sizes(self, on: bool) -> Self {
        self.flag(&settings::MEASURE_SIZES, on, |it| &mut it.measures.sizes)
    }

    fn flag(self, setting: &FlagSetting, on: bool, place: Place<bool>) -> Self {
        self.put(&setting.setting, Given::new(on, Source::Builder), place)
    }

    fn time(self, setting: &DurationSetting, time: impl IntoDuration, place: Place<Duration>) -> Self {
        self.put(&setting.setting, duration(setting, time, Source::Builder), place)
    }

    fn word(self, setting: &TextSetting, word: impl Into<String>, place: Place<String>) -> Self {
        let word: String = word.into();
        self.put(&setting.setting, text(setting, &word, Source::Builder), place)
    }

    fn put<T>(mut self, setting: &Setting, given: Given<T>, place: Place<T>) -> Self {
        self.operating.put(setting, given, place);
        self
    }
}
