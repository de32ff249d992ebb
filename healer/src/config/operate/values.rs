//! The settings of operating as plain data. Each struct's `Default` is what holds where nothing is set.

use std::time::Duration;

use crate::config::settings;

/// What is logged, and how ([`Config::logs`](crate::Config::logs)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// A JSON object a line instead of text. Default: false (`ENABLE_JSON_LOGGING`).
    pub json: bool,
    /// The lowest level that is logged: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`, also with levels for parts of
    /// the program, such as `INFO,healer=DEBUG`. Default: `INFO` (`LOGLEVEL`).
    pub level: String,
    /// Whether the data of records is logged. Default: false, for it may be personal or secret (`ENABLE_EMIT_LOGGING`,
    /// whose default in water-healer was true).
    pub data: bool,
    /// Where the data of one record is cut, in bytes. Default: 10,000 (`HEALER_LOG_DATA_MAX_BYTES`).
    pub data_max_bytes: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            json: settings::LOG_JSON.default,
            level: settings::LOG_LEVEL.default.to_owned(),
            data: settings::LOG_DATA.default,
            data_max_bytes: settings::LOG_DATA_MAX_BYTES.default,
        }
    }
}

/// When the guard ends the process ([`Config::guard`](crate::Config::guard)). Without a guard none of it acts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardSettings {
    /// Whether an error that ends a pipeline ends the process. Default: true (`HEALING_GOT_ERROR`).
    pub on_error: bool,
    /// Whether the loss of what the pipeline works with, the broker's connection or a shared store, ends the process.
    /// Default: true (`HEALING_GOT_DASK`, after the cluster that water-healer worked with).
    pub on_lost_backend: bool,
    /// How long nothing may be committed while there is something to commit; zero: for ever. Default: 1 h
    /// (`HEALING_GRACEFUL_OFFSET`, in seconds or with a unit).
    pub graceful_offset: Duration,
    /// How long a pipeline may go without polling; zero: for ever. Default: 30 min (`HEALING_GRACEFUL_POLLING`, in
    /// seconds or with a unit).
    pub graceful_polling: Duration,
    /// How often the guard looks, at least every millisecond. Default: 5 s (`HEALING_INTERVAL`, in seconds or with a unit).
    pub interval: Duration,
    /// How long the guard waits before it ends the process; zero: not at all. Default: 2 s
    /// (`HEALING_SLEEP_BEFORE_SHUTDOWN`, in seconds or with a unit).
    pub sleep_before_shutdown: Duration,
    /// How long the process lives; zero: for ever. Default: 3 h (`HEALING_AUTO_EXPIRED`, in seconds or with a unit).
    pub expires_after: Duration,
    /// After how many commits of a pipeline the process ends; zero: never. Default: 0 (`HEALING_MAX_TOTAL_COMMIT`).
    pub max_commits: u64,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            on_error: settings::GUARD_ON_ERROR.default,
            on_lost_backend: settings::GUARD_ON_LOST_BACKEND.default,
            graceful_offset: settings::GRACEFUL_OFFSET.default,
            graceful_polling: settings::GRACEFUL_POLLING.default,
            interval: settings::GUARD_INTERVAL.default,
            sleep_before_shutdown: settings::SLEEP_BEFORE_SHUTDOWN.default,
            expires_after: settings::EXPIRES_AFTER.default,
            max_commits: settings::MAX_COMMITS.default,
        }
    }
}

/// Where traces are sent, if anywhere ([`Config::traces`](crate::Config::traces)).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TraceSettings {
    /// Whether traces are sent. Default: false (`ENABLE_OPENTELEMETRY_JAEGER`).
    pub enabled: bool,
    /// The service's name in the traces. Default: `healer` (`OPENTELEMETRY_SERVICE_NAME`).
    pub service_name: String,
    /// The host that takes OTLP, an IPv6 address in brackets. Default: `localhost` (`JAEGER_HOSTNAME`).
    pub host: String,
    /// The port that takes OTLP over gRPC. Default: 4317 (`JAEGER_PORT`, where 6831 is taken as 4317 with a warning).
    pub port: u16,
    /// Which part of the records is traced, from 0 for none to 1 for all, where their headers do not say. Default: 1
    /// (`HEALER_TRACES_RATIO`).
    pub ratio: f64,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            enabled: settings::TRACES.default,
            service_name: settings::SERVICE_NAME.default.to_owned(),
            host: settings::OTLP_HOST.default.to_owned(),
            port: settings::OTLP_PORT.default,
            ratio: settings::TRACES_RATIO.default,
        }
    }
}

/// What the metrics measure beside counting ([`Config::measures`](crate::Config::measures)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeasureSettings {
    /// How long stages take. Default: true (`HEALER_MEASURE_DURATIONS`).
    pub durations: bool,
    /// How many bytes go into stages and come out of them. Default: true (`HEALER_MEASURE_SIZES`).
    pub sizes: bool,
}

impl Default for MeasureSettings {
    fn default() -> Self {
        Self { durations: settings::MEASURE_DURATIONS.default, sizes: settings::MEASURE_SIZES.default }
    }
}
