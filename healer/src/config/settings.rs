//! healer's own settings: name, environment variable, default and allowed range of each, in one place.

use std::{ops::RangeInclusive, time::Duration};

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
pub(super) struct NumberSetting {
    pub(super) setting: Setting,
    pub(super) default: usize,
    pub(super) range: RangeInclusive<usize>,
}

impl NumberSetting {
    /// `a whole number from 1 to 1000000, such as 1024`
    pub(super) fn allowed(&self) -> String {
        let (min, max) = (self.range.start(), self.range.end());
        format!("a whole number from {min} to {max}, such as {}", self.default)
    }
}

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_hours(24);

pub(super) const BROKERS: Setting = Setting { name: "brokers", env: "HEALER_BROKERS" };
pub(super) const BROKERS_ALLOWED: &str = "host:port, several with a comma between, without user or password \
    (these are the properties `sasl.username` and `sasl.password`)";
pub(super) const GROUP: Setting = Setting { name: "group", env: "HEALER_GROUP" };
pub(super) const PROTOCOL: Setting = Setting { name: "protocol", env: "HEALER_PROTOCOL" };
pub(super) const START: Setting = Setting { name: "start", env: "HEALER_START" };
pub(super) const OUT_OF_RANGE: Setting = Setting { name: "out_of_range", env: "HEALER_OUT_OF_RANGE" };
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

/// What the environment variable of a client property begins with.
pub(super) const PROPERTY_PREFIX: &str = "HEALER_KAFKA_";

/// Every environment variable of healer's own that begins with `HEALER_`.
pub(super) const VARIABLES: [&str; 14] = [
    BROKERS.env,
    GROUP.env,
    PROTOCOL.env,
    START.env,
    OUT_OF_RANGE.env,
    STORE.env,
    COMMIT_INTERVAL.setting.env,
    POLL_BUDGET.setting.env,
    DRAIN_BUDGET.setting.env,
    CONNECT_TIMEOUT.setting.env,
    IN_FLIGHT.setting.env,
    THREADS.setting.env,
    METADATA_MAX_BYTES.setting.env,
    STALL_AFTER.setting.env,
];

/// Variables that begin with `HEALER_` and are no settings: healer's own tests read them.
pub(super) const NOT_SETTINGS: [&str; 1] = ["HEALER_REQUIRE_KAFKA"];
