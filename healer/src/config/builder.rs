//! Puts a [`Config`](super::Config) together. Every setter takes what it gets; what is wrong comes out of `build`,
//! all of it at once.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use super::{
    IntoDuration, OutOfRange, Protocol, Start, dead_letters,
    error::{WrongKind, WrongSetting},
    operate::Operating,
    redact,
    settings::{self, DurationSetting, NumberSetting, RATIO_ALLOWED, RatioSetting, Setting},
    source::{Given, Source},
};

/// Collects settings for a [`Config`](super::Config).
///
/// Where a setting is given twice the **later call wins**, also between code and environment: what stands before
/// [`from_env`](Self::from_env) is a default that the environment may replace, what stands after it is fixed.
///
/// ```
/// use healer::{Config, Start};
///
/// let config = Config::builder()
///     .group("flights")              // HEALER_GROUP replaces it
///     .from_env()
///     .brokers("localhost:9092")     // and nothing replaces this
///     .start(Start::Latest)
///     .commit_interval("2s")
///     .set("fetch.min.bytes", "1000")
///     .build()?;
/// assert_eq!(config.brokers(), "localhost:9092");
/// # Ok::<(), healer::ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct ConfigBuilder {
    pub(super) brokers: Option<Given<String>>,
    pub(super) group: Option<Given<String>>,
    pub(super) protocol: Option<Given<Protocol>>,
    pub(super) start: Option<Given<Start>>,
    pub(super) out_of_range: Option<Given<OutOfRange>>,
    pub(super) commit_interval: Option<Given<Duration>>,
    pub(super) in_flight: Option<Given<usize>>,
    pub(super) threads: Option<Given<usize>>,
    pub(super) memory_budget: Option<Given<u64>>,
    pub(super) metadata_max_bytes: Option<Given<usize>>,
    pub(super) stall_after: Option<Given<Duration>>,
    pub(super) unreachable_after: Option<Given<Duration>>,
    pub(super) held_back_after: Option<Given<Duration>>,
    pub(super) store_path: Option<Given<Option<PathBuf>>>,
    pub(super) memory_max_len: Option<Given<usize>>,
    pub(super) memory_max_age: Option<Given<Duration>>,
    pub(super) poll_budget: Option<Given<Duration>>,
    pub(super) drain_budget: Option<Given<Duration>>,
    pub(super) connect_timeout: Option<Given<Duration>>,
    pub(super) start_budget: Option<Given<Duration>>,
    pub(super) dead_letter_topics: dead_letters::Topics<Given<String>>,
    pub(super) operating: Operating,
    pub(super) properties: BTreeMap<String, Given<String>>,
    pub(super) warnings: Vec<String>,
    /// Variables that may have been meant for settings.
    pub(super) hints: Vec<String>,
}

impl ConfigBuilder {
    /// The brokers to begin with: `host:port`, several with a comma between. Required (`HEALER_BROKERS`).
    pub fn brokers(mut self, brokers: impl Into<String>) -> Self {
        self.brokers = Some(brokers_of(brokers.into(), Source::Builder));
        self
    }

    /// The consumer group (`HEALER_GROUP`). Default: the pipeline's name.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group_of(group.into(), Source::Builder));
        self
    }

    /// The group protocol (`HEALER_PROTOCOL`). Default: [`Protocol::Classic`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(Given::new(protocol, Source::Builder));
        self
    }

    /// Where a partition starts that the group has no offset for (`HEALER_START`). Default: [`Start::Earliest`].
    pub fn start(mut self, start: Start) -> Self {
        self.start = Some(start_of(start, Source::Builder));
        self
    }

    /// What happens when a committed offset is not in the topic (`HEALER_OUT_OF_RANGE`). Default:
    /// [`OutOfRange::Error`].
    pub fn out_of_range(mut self, out_of_range: OutOfRange) -> Self {
        self.out_of_range = Some(Given::new(out_of_range, Source::Builder));
        self
    }

    /// The time between two commits, 1 ms to one day (`HEALER_COMMIT_INTERVAL`). Default: 10 s. A crash replays at
    /// most what finished since the last commit.
    pub fn commit_interval(mut self, every: impl IntoDuration) -> Self {
        self.commit_interval = Some(duration(&settings::COMMIT_INTERVAL, every, Source::Builder));
        self
    }

    /// The most records of one partition that may be on their way at once, at least 1 (`HEALER_IN_FLIGHT`).
    /// Default: 1024. A partition that reaches it is paused until half of them are done.
    pub fn in_flight(mut self, records: usize) -> Self {
        self.in_flight = Some(number(&settings::IN_FLIGHT, records, Source::Builder));
        self
    }

    /// How many threads run what is fused to the sources, decoding and synchronous stages, 1 to 256 (`HEALER_THREADS`). Default: 1, the
    /// thread that polls. With more than one each has some of the partitions, whose records stay in order; the polling thread copies
    /// records for them, so this pays where decoding or synchronous stages take most of a core, and not where work waits: for that
    /// there is `#[stage(parallel = N)]`.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(number(&settings::THREADS, threads, Source::Builder));
        self
    }

    /// How many bytes the records of this process may hold, of all its pipelines together (`HEALER_MEMORY_BUDGET`): those in flight, with
    /// what is kept of them for dead letters and what sinks make of them, and those that were fetched and wait. Default: 67108864,
    /// which is 64 MiB.
    ///
    /// Counted are the bytes of records as they came in, and 256 for each record in flight: what your own types take beside that is not
    /// known. A partition takes in more while it holds less than is free, so that one alone gets half of the budget, and `n` of them
    /// get a part of `n + 1` each; what it does not take in stays with the broker. One record may be larger than all of it, and each
    /// partition may always hold one.
    ///
    /// The client's own queues come on top: `queued.max.messages.kbytes` (4096 here, which is 4 MiB) is what it fetches ahead, and
    /// once more what is on its way from each broker.
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.memory_budget = Some(number(&settings::MEMORY_BUDGET, bytes, Source::Builder));
        self
    }

    /// The most bytes that a commit may carry to say what is done above its offset, so that whoever takes over skips it
    /// (`HEALER_METADATA_MAX_BYTES`). Default: 4096, which is the broker's `offset.metadata.max.bytes`; must not be above that.
    /// A partition that would need more takes no new records until the lowest pending ones are done.
    ///
    /// 40 bytes of it tell the store's snapshots of this way of the group from older ones. From 40 to 59 there is room for no more: the
    /// store alone knows what is done above, and no partition waits for room. Below 40, as with 0, nothing is sent, and a restart
    /// processes all above the committed offset again, since no snapshot is believed.
    pub fn metadata_max_bytes(mut self, bytes: usize) -> Self {
        self.metadata_max_bytes = Some(number(&settings::METADATA_MAX_BYTES, bytes, Source::Builder));
        self
    }

    /// How long no broker may answer before [`Health::faults`](crate::Health::faults) and `/healthz` say so, 1 ms to one day
    /// (`HEALER_UNREACHABLE_AFTER`). Most outages pass, and a restart ends none.
    pub fn unreachable_after(mut self, after: impl IntoDuration) -> Self {
        self.unreachable_after = Some(duration(&settings::UNREACHABLE_AFTER, after, Source::Builder));
        self
    }

    /// How long one record may hold a partition before a warning names it, 1 ms to one day (`HEALER_STALL_AFTER`).
    /// Default: 1 min.
    pub fn stall_after(mut self, after: impl IntoDuration) -> Self {
        self.stall_after = Some(duration(&settings::STALL_AFTER, after, Source::Builder));
        self
    }

    /// How long a producer's open transaction may hold a partition back before [`Health`](crate::Health) and `/healthz` call that a fault,
    /// 1 ms to one day (`HEALER_HELD_BACK_AFTER`). Default: never, since some producers have transactions of many minutes, and a restart ends none.
    /// [`PartitionStatus::held_back`](crate::PartitionStatus::held_back) and a gauge tell of it at any rate, and a warning after
    /// [`stall_after`](Self::stall_after).
    pub fn held_back_after(mut self, after: impl IntoDuration) -> Self {
        self.held_back_after = Some(duration(&settings::HELD_BACK_AFTER, after, Source::Builder));
        self
    }

    /// The folder of the local store (`HEALER_STORE`). Default: none, the store is kept in memory and a restart
    /// replays from the committed offsets.
    pub fn store_path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.store_path = Some(store_of(Some(folder.into()), Source::Builder));
        self
    }

    /// The most entries that a store in memory keeps, at least 1 (`MAXLEN_MEMORY`). Default: 10,000,000. Pending
    /// offsets are never dropped, whatever the limit.
    pub fn memory_max_len(mut self, entries: usize) -> Self {
        self.memory_max_len = Some(number(&settings::MEMORY_MAX_LEN, entries, Source::Builder));
        self
    }

    /// How long a store in memory keeps an entry, at least 1 ms (`MAXAGE_MEMORY`, where a bare number means
    /// seconds). Default: 1 h. Pending offsets are never dropped, whatever the limit.
    pub fn memory_max_age(mut self, age: impl IntoDuration) -> Self {
        self.memory_max_age = Some(duration(&settings::MEMORY_MAX_AGE, age, Source::Builder));
        self
    }

    /// How long one poll may wait for records, 1 ms to 1 min (`HEALER_POLL_BUDGET`). Default: 100 ms.
    pub fn poll_budget(mut self, budget: impl IntoDuration) -> Self {
        self.poll_budget = Some(duration(&settings::POLL_BUDGET, budget, Source::Builder));
        self
    }

    /// How long stopping, or giving a partition back, may wait for records on their way (`HEALER_DRAIN_BUDGET`);
    /// must be below the property `max.poll.interval.ms`. Default: 5 s. What is not done by then is processed
    /// again by whoever takes over.
    pub fn drain_budget(mut self, budget: impl IntoDuration) -> Self {
        self.drain_budget = Some(duration(&settings::DRAIN_BUDGET, budget, Source::Builder));
        self
    }

    /// How long the start may wait for a broker to answer, 1 ms to 10 min (`HEALER_CONNECT_TIMEOUT`). Default: 10 s.
    pub fn connect_timeout(mut self, timeout: impl IntoDuration) -> Self {
        self.connect_timeout = Some(duration(&settings::CONNECT_TIMEOUT, timeout, Source::Builder));
        self
    }

    /// How long the start asks again when brokers answer that they are not ready: no coordinator yet, one that is still
    /// loading, no leader. 0 s to 1 day (`HEALER_START_BUDGET`). Default: 1 min.
    pub fn start_budget(mut self, budget: impl IntoDuration) -> Self {
        self.start_budget = Some(duration(&settings::START_BUDGET, budget, Source::Builder));
        self
    }

    /// A property of librdkafka by its name (`HEALER_KAFKA_<NAME>`, with `_` for `.`), such as
    /// `.set("security.protocol", "sasl_plaintext")`. Properties of producers or of consumers alone go to these only.
    ///
    /// `build` refuses the ones that healer sets itself, with the setting to use instead, and the ones that need a
    /// cargo feature that is not enabled. Whether a name exists is found out when the client is made.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.property(name.into(), value.into(), Source::Builder);
        self
    }

    /// What was said of logs so far.
    #[cfg(feature = "logs")]
    pub(crate) fn logs(&self) -> super::LogSettings {
        self.operating.logs().clone()
    }

    pub(super) fn property(&mut self, name: String, value: String, source: Source) {
        self.properties.insert(name, Given::new(value, source));
    }
}

/// Shows no values: they may be secrets, and may be wrong.
impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.properties.keys().map(|name| redact::name(name)).collect();
        f.debug_struct("ConfigBuilder").field("properties", &names).finish_non_exhaustive()
    }
}

pub(super) fn invalid(setting: &Setting, value: &str, source: &Source) -> WrongSetting {
    WrongSetting::new(WrongKind::Invalid, setting.name, value, source)
}

pub(super) fn brokers_of(brokers: String, source: Source) -> Given<String> {
    let problem = if brokers.contains('@') {
        Some("an address must not carry a user or a password")
    } else if brokers.contains('\0') {
        Some("it holds a zero byte")
    } else {
        brokers.split(',').find_map(|address| wrong_address(address.trim()))
    };
    match problem {
        None => Given::new(brokers, source),
        Some(problem) => Given::wrong(
            invalid(&settings::BROKERS, &brokers, &source)
                .problem(problem)
                .allowed(settings::BROKERS_ALLOWED),
        ),
    }
}

/// What is wrong with one address; forgiving where librdkafka is (a scheme, no port, IPv6).
fn wrong_address(address: &str) -> Option<&'static str> {
    let address = address.split_once("://").map_or(address, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        // an IPv6 address without a port
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => (address, None),
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    };
    if host.is_empty() {
        Some("an address without a host")
    } else if host.contains(|c: char| c.is_whitespace() || c == '/') {
        Some("a host with a blank or a slash in it")
    } else if port.is_some_and(|port| port.parse::<u16>().unwrap_or(0) == 0) {
        Some("a port that is no number from 1 to 65535")
    } else {
        None
    }
}

pub(super) fn group_of(group: String, source: Source) -> Given<String> {
    let problem = if group.trim().is_empty() {
        "it is empty"
    } else if group.contains('\0') {
        "it holds a zero byte"
    } else {
        return Given::new(group, source);
    };
    let wrong = invalid(&settings::GROUP, &group, &source).problem(problem);
    Given::wrong(wrong.allowed("any name, such as the service's, or nothing for the pipeline's name"))
}

pub(super) fn start_of(start: Start, source: Source) -> Given<Start> {
    if matches!(start, Start::Time(_)) && start.millis().is_none() {
        let wrong = invalid(&settings::START, &start.to_string(), &source);
        return Given::wrong(wrong.problem("the time is out of range").allowed(Start::ALLOWED));
    }
    Given::new(start, source)
}

pub(super) fn store_of(folder: Option<PathBuf>, source: Source) -> Given<Option<PathBuf>> {
    if folder.as_ref().is_some_and(|folder| folder.as_os_str().is_empty()) {
        let wrong = invalid(&settings::STORE, "", &source).problem("it is empty");
        return Given::wrong(wrong.allowed(settings::STORE_ALLOWED));
    }
    Given::new(folder, source)
}

pub(super) fn duration(
    setting: &DurationSetting,
    given: impl IntoDuration,
    source: Source,
) -> Given<Duration> {
    let (text, problem) = match given.into_duration() {
        Ok(value) if setting.range.contains(&value) => return Given::new(value, source),
        Ok(value) => {
            let side = if value < *setting.range.start() { "too short" } else { "too long" };
            (humantime::format_duration(value).to_string(), side.to_owned())
        }
        Err(wrong) => (wrong.text().to_owned(), wrong.reason().to_owned()),
    };
    let wrong = invalid(&setting.setting, &text, &source);
    Given::wrong(wrong.problem(redact::shown("", &problem)).allowed(setting.allowed()))
}

pub(super) fn number<T>(setting: &NumberSetting<T>, value: T, source: Source) -> Given<T>
where
    T: PartialOrd + fmt::Display,
{
    if setting.range.contains(&value) {
        return Given::new(value, source);
    }
    let side = if value < *setting.range.start() { "too small" } else { "too large" };
    let wrong = invalid(&setting.setting, &value.to_string(), &source);
    Given::wrong(wrong.problem(side).allowed(setting.allowed()))
}

pub(super) fn ratio(setting: &RatioSetting, value: f64, source: Source) -> Given<f64> {
    if (0.0..=1.0).contains(&value) {
        return Given::new(value, source);
    }
    let problem = match value {
        value if value.is_nan() => "it is no number",
        ..0.0 => "too small",
        _ => "too large",
    };
    let wrong = invalid(&setting.setting, &value.to_string(), &source);
    Given::wrong(wrong.problem(problem).allowed(RATIO_ALLOWED))
}
