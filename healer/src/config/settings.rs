//! healer's own settings: name, environment variable, default and allowed range of each, in one place.

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::text;

/// One setting of healer's own.
pub(super) struct Setting {
    /// As the builder's method and `--print-config` name it.
    pub(super) name: &'static str,
    /// The environment variable.
    pub(super) env: &'static str,
}

/// A setting that is a duration.
pub(super) struct DurationSetting {
    pub(super) setting: Setting,
    pub(super) default: Duration,
    pub(super) range: RangeInclusive<Duration>,
}

impl DurationSetting {
    /// `1ms to 1day, such as "10s"`
    pub(super) fn allowed(&self) -> String {
        let show = humantime::format_duration;
        let (min, max) = (show(*self.range.start()), show(*self.range.end()));
        format!("{min} to {max}, such as \"{}\"", show(self.default))
    }
}

/// A setting that is a number.
pub(super) struct NumberSetting<T = usize> {
    pub(super) setting: Setting,
    pub(super) default: T,
    pub(super) range: RangeInclusive<T>,
}

impl<T: fmt::Display> NumberSetting<T> {
    /// `a whole number from 1 to 1000000, such as 1024`
    pub(super) fn allowed(&self) -> String {
        let (min, max) = (self.range.start(), self.range.end());
        format!("a whole number from {min} to {max}, such as {}", self.default)
    }
}

/// A setting that is a part of all, from 0 for none to 1.
pub(super) struct RatioSetting {
    pub(super) setting: Setting,
    pub(super) default: f64,
}

/// What the variable of a [`RatioSetting`] may hold.
pub(super) const RATIO_ALLOWED: &str = "a number from 0 to 1, such as 0.01";

/// A setting that is on or off.
pub(super) struct FlagSetting {
    pub(super) setting: Setting,
    pub(super) default: bool,
}

/// What the variable of a [`FlagSetting`] may hold.
pub(super) const FLAG_ALLOWED: &str =
    "`true`, `yes`, `on` or `1`; `false`, `no`, `off` or `0`; in small or capital letters";

/// A setting that is a text, but not any.
pub(super) struct TextSetting {
    pub(super) setting: Setting,
    pub(super) default: &'static str,
    pub(super) allowed: &'static str,
    /// The text as it is kept, or what is wrong with it.
    pub(super) read: fn(&str) -> Result<String, &'static str>,
}

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_hours(24);
/// A hundred years of 365.25 days, as humantime counts them.
const CENTURY: Duration = Duration::from_hours(100 * 8_766);

pub(super) const BROKERS: Setting = Setting { name: "brokers", env: "HEALER_BROKERS" };
pub(super) const BROKERS_ALLOWED: &str = "host:port, several with a comma between, without user or password \
    (these are the properties `sasl.username` and `sasl.password`)";
pub(super) const GROUP: Setting = Setting { name: "group", env: "HEALER_GROUP" };
pub(super) const PROTOCOL: Setting = Setting { name: "protocol", env: "HEALER_PROTOCOL" };
pub(super) const START: Setting = Setting { name: "start", env: "HEALER_START" };
pub(super) const OUT_OF_RANGE: Setting = Setting { name: "out_of_range", env: "HEALER_OUT_OF_RANGE" };
pub(super) const DEAD_LETTER_TOPIC: Setting =
    Setting { name: "dead_letter_topic", env: "HEALER_DEAD_LETTER_TOPIC" };
pub(super) const DEAD_LETTER_TOPIC_ALLOWED: &str =
    "a topic's name: 1 to 249 letters, digits, `.`, `_` and `-`, such as `orders.dead`";
pub(super) const STORE: Setting = Setting { name: "store_path", env: "HEALER_STORE" };
pub(super) const STORE_ALLOWED: &str = "a folder, or `memory` for none";

pub(super) const COMMIT_INTERVAL: DurationSetting = DurationSetting {
    setting: Setting { name: "commit_interval", env: "HEALER_COMMIT_INTERVAL" },
    default: Duration::from_secs(10),
    range: MS..=DAY,
};
pub(super) const POLL_BUDGET: DurationSetting = DurationSetting {
    setting: Setting { name: "poll_budget", env: "HEALER_POLL_BUDGET" },
    default: Duration::from_millis(100),
    range: MS..=Duration::from_mins(1),
};
pub(super) const DRAIN_BUDGET: DurationSetting = DurationSetting {
    setting: Setting { name: "drain_budget", env: "HEALER_DRAIN_BUDGET" },
    default: Duration::from_secs(5),
    range: Duration::ZERO..=DAY,
};
pub(super) const CONNECT_TIMEOUT: DurationSetting = DurationSetting {
    setting: Setting { name: "connect_timeout", env: "HEALER_CONNECT_TIMEOUT" },
    default: Duration::from_secs(10),
    range: MS..=Duration::from_mins(10),
};
pub(super) const START_BUDGET: DurationSetting = DurationSetting {
    setting: Setting { name: "start_budget", env: "HEALER_START_BUDGET" },
    default: Duration::from_mins(1),
    range: Duration::ZERO..=DAY,
};
pub(super) const MEMORY_MAX_AGE: DurationSetting = DurationSetting {
    setting: Setting { name: "memory_max_age", env: "MAXAGE_MEMORY" },
    default: Duration::from_hours(1),
    range: MS..=Duration::from_hours(24 * 3650),
};
pub(super) const MEMORY_MAX_LEN: NumberSetting = NumberSetting {
    setting: Setting { name: "memory_max_len", env: "MAXLEN_MEMORY" },
    default: 10_000_000,
    range: 1..=1_000_000_000,
};
pub(super) const IN_FLIGHT: NumberSetting = NumberSetting {
    setting: Setting { name: "in_flight", env: "HEALER_IN_FLIGHT" },
    default: 1024,
    range: 1..=10_000_000,
};
pub(super) const THREADS: NumberSetting =
    NumberSetting { setting: Setting { name: "threads", env: "HEALER_THREADS" }, default: 1, range: 1..=256 };
pub(super) const MEMORY_BUDGET: NumberSetting<u64> = NumberSetting {
    setting: Setting { name: "memory_budget", env: "HEALER_MEMORY_BUDGET" },
    default: 64 << 20,
    range: 1..=1 << 40,
};
pub(super) const METADATA_MAX_BYTES: NumberSetting = NumberSetting {
    setting: Setting { name: "metadata_max_bytes", env: "HEALER_METADATA_MAX_BYTES" },
    default: 4096,
    range: 0..=1_000_000,
};
pub(super) const STALL_AFTER: DurationSetting = DurationSetting {
    setting: Setting { name: "stall_after", env: "HEALER_STALL_AFTER" },
    default: Duration::from_mins(1),
    range: MS..=DAY,
};
pub(super) const UNREACHABLE_AFTER: DurationSetting = DurationSetting {
    setting: Setting { name: "unreachable_after", env: "HEALER_UNREACHABLE_AFTER" },
    default: Duration::from_mins(1),
    range: MS..=DAY,
};

/// Not set where nobody sets it: the default stands here for the longest.
pub(super) const HELD_BACK_AFTER: DurationSetting = DurationSetting {
    setting: Setting { name: "held_back_after", env: "HEALER_HELD_BACK_AFTER" },
    default: DAY,
    range: MS..=DAY,
};

pub(super) const CHECKPOINTING: FlagSetting = flag("checkpointing", "ENABLE_CHECKPOINTING", true);

pub(super) const LOG_JSON: FlagSetting = flag("log_json", "ENABLE_JSON_LOGGING", false);
pub(super) const LOG_LEVEL: TextSetting = TextSetting {
    setting: Setting { name: "log_level", env: "LOGLEVEL" },
    default: "INFO",
    allowed: text::LEVEL_ALLOWED,
    read: text::level,
};
pub(super) const LOG_DATA: FlagSetting = flag("log_data", "ENABLE_EMIT_LOGGING", false);
pub(super) const LOG_DATA_MAX_BYTES: NumberSetting = NumberSetting {
    setting: Setting { name: "log_data_max_bytes", env: "HEALER_LOG_DATA_MAX_BYTES" },
    default: 10_000,
    range: 1..=100_000_000,
};

pub(super) const TRACES: FlagSetting = flag("traces", "ENABLE_OPENTELEMETRY_JAEGER", false);
pub(super) const SERVICE_NAME: TextSetting = TextSetting {
    setting: Setting { name: "service_name", env: "OPENTELEMETRY_SERVICE_NAME" },
    default: "healer",
    allowed: text::SERVICE_NAME_ALLOWED,
    read: text::service_name,
};
pub(super) const OTLP_HOST: TextSetting = TextSetting {
    setting: Setting { name: "otlp_host", env: "JAEGER_HOSTNAME" },
    default: "localhost",
    allowed: text::HOST_ALLOWED,
    read: text::host,
};
pub(super) const OTLP_PORT: NumberSetting<u16> = NumberSetting {
    setting: Setting { name: "otlp_port", env: "JAEGER_PORT" },
    default: 4317,
    range: 1..=u16::MAX,
};
pub(super) const TRACES_RATIO: RatioSetting =
    RatioSetting { setting: Setting { name: "traces_ratio", env: "HEALER_TRACES_RATIO" }, default: 1.0 };

pub(super) const GUARD_ON_ERROR: FlagSetting = flag("guard_on_error", "HEALING_GOT_ERROR", true);
pub(super) const GUARD_ON_LOST_BACKEND: FlagSetting = flag("guard_on_lost_backend", "HEALING_GOT_DASK", true);
pub(super) const GRACEFUL_OFFSET: DurationSetting =
    or_never("graceful_offset", "HEALING_GRACEFUL_OFFSET", Duration::from_hours(1));
pub(super) const GRACEFUL_POLLING: DurationSetting =
    or_never("graceful_polling", "HEALING_GRACEFUL_POLLING", Duration::from_mins(30));
pub(super) const GUARD_INTERVAL: DurationSetting = DurationSetting {
    setting: Setting { name: "guard_interval", env: "HEALING_INTERVAL" },
    default: Duration::from_secs(5),
    range: MS..=DAY,
};
pub(super) const SLEEP_BEFORE_SHUTDOWN: DurationSetting = DurationSetting {
    setting: Setting { name: "sleep_before_shutdown", env: "HEALING_SLEEP_BEFORE_SHUTDOWN" },
    default: Duration::from_secs(2),
    range: Duration::ZERO..=DAY,
};
pub(super) const EXPIRES_AFTER: DurationSetting =
    or_never("expires_after", "HEALING_AUTO_EXPIRED", Duration::from_hours(3));
pub(super) const MAX_COMMITS: NumberSetting<u64> = NumberSetting {
    setting: Setting { name: "max_commits", env: "HEALING_MAX_TOTAL_COMMIT" },
    default: 0,
    range: 0..=u64::MAX,
};

pub(super) const MEASURE_DURATIONS: FlagSetting = flag("measure_durations", "HEALER_MEASURE_DURATIONS", true);
pub(super) const MEASURE_SIZES: FlagSetting = flag("measure_sizes", "HEALER_MEASURE_SIZES", true);

const fn flag(name: &'static str, env: &'static str, default: bool) -> FlagSetting {
    FlagSetting { setting: Setting { name, env }, default }
}

/// How long the guard waits for something; 0 is for ever.
const fn or_never(name: &'static str, env: &'static str, default: Duration) -> DurationSetting {
    DurationSetting { setting: Setting { name, env }, default, range: Duration::ZERO..=CENTURY }
}

/// What the environment variable of a client property begins with.
pub(super) const PROPERTY_PREFIX: &str = "HEALER_KAFKA_";

/// What the names of healer's own variables begin with: another name with it is a mistake. What begins with `ENABLE_` or
/// `JAEGER_` may be for somebody else.
pub(super) const OWN_PREFIXES: [&str; 2] = ["HEALER_", "HEALING_"];

/// Every environment variable that begins with one of [`OWN_PREFIXES`].
pub(super) const VARIABLES: [&str; 31] = [
    BROKERS.env,
    GROUP.env,
    PROTOCOL.env,
    START.env,
    OUT_OF_RANGE.env,
    DEAD_LETTER_TOPIC.env,
    STORE.env,
    COMMIT_INTERVAL.setting.env,
    POLL_BUDGET.setting.env,
    DRAIN_BUDGET.setting.env,
    CONNECT_TIMEOUT.setting.env,
    START_BUDGET.setting.env,
    IN_FLIGHT.setting.env,
    THREADS.setting.env,
    MEMORY_BUDGET.setting.env,
    METADATA_MAX_BYTES.setting.env,
    STALL_AFTER.setting.env,
    UNREACHABLE_AFTER.setting.env,
    HELD_BACK_AFTER.setting.env,
    LOG_DATA_MAX_BYTES.setting.env,
    TRACES_RATIO.setting.env,
    MEASURE_DURATIONS.setting.env,
    MEASURE_SIZES.setting.env,
    GUARD_ON_ERROR.setting.env,
    GUARD_ON_LOST_BACKEND.setting.env,
    GRACEFUL_OFFSET.setting.env,
    GRACEFUL_POLLING.setting.env,
    GUARD_INTERVAL.setting.env,
    SLEEP_BEFORE_SHUTDOWN.setting.env,
    EXPIRES_AFTER.setting.env,
    MAX_COMMITS.setting.env,
];

/// Variables that begin with `HEALER_` and are no settings: healer's own tests read them.
pub(super) const NOT_SETTINGS: [&str; 1] = ["HEALER_REQUIRE_KAFKA"];
