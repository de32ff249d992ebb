//! How a pipeline runs, apart from what it does: brokers, group, budgets, the local store, logs, traces, the guard and
//! any property of the client. Kept apart so that the same program runs on a laptop and in production, and so that a
//! wrong setting is named before anything starts.
//!
//! Settings come from code ([`Config::builder`]), from the environment ([`Config::from_env`]) or from both. Passwords,
//! keys and tokens never show in `Debug`, errors or [`Config::print`].

mod builder;
mod check;
mod choices;
mod dead_letters;
mod duration;
mod env;
mod error;
mod features;
mod names;
mod nearest;
mod operate;
mod owned;
mod print;
mod properties;
pub(crate) mod redact;
mod settings;
mod source;
mod text;
mod variable;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use self::{
    check::Properties,
    features::Features,
    operate::Operating,
    source::{Given, Sourced},
};

pub(crate) use self::dead_letters::dead_letter_variable;
pub use self::{
    builder::ConfigBuilder,
    choices::{ChoiceError, OutOfRange, Protocol, Start},
    duration::{DurationError, IntoDuration, parse_duration},
    error::{ConfigError, WrongKind, WrongSetting},
    operate::{GuardSettings, LogSettings, MeasureSettings, TraceSettings},
    source::Source,
};

/// Everything that is set outside of the pipeline itself. Made by [`Config::builder`] or [`Config::from_env`]; once
/// made it is right, as far as that can be known without a broker.
///
/// ```
/// use std::time::Duration;
/// use healer::Config;
///
/// let config = Config::builder().brokers("localhost:9092").group("flights").commit_interval("2s").build()?;
/// assert_eq!(config.commit_interval(), Duration::from_secs(2));
/// # Ok::<(), healer::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Config {
    brokers: Sourced<String>,
    group: Option<Sourced<String>>,
    protocol: Sourced<Protocol>,
    start: Sourced<Start>,
    out_of_range: Sourced<OutOfRange>,
    commit_interval: Sourced<Duration>,
    in_flight: Sourced<usize>,
    threads: Sourced<usize>,
    memory_budget: Sourced<u64>,
    metadata_max_bytes: Sourced<usize>,
    stall_after: Sourced<Duration>,
    unreachable_after: Sourced<Duration>,
    held_back_after: Option<Sourced<Duration>>,
    store_path: Sourced<Option<PathBuf>>,
    memory_max_len: Sourced<usize>,
    memory_max_age: Sourced<Duration>,
    poll_budget: Sourced<Duration>,
    drain_budget: Sourced<Duration>,
    connect_timeout: Sourced<Duration>,
    start_budget: Sourced<Duration>,
    dead_letter_topics: dead_letters::Topics,
    operating: Operating,
    properties: Properties,
    warnings: Vec<String>,
}

impl Config {
    /// A builder with nothing set.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// The configuration of the process's environment; [`ConfigBuilder::from_env`] lists the variables.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every variable that is wrong, and where `HEALER_BROKERS` is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder().from_env().build()
    }

    /// The brokers to begin with: `host:port`, several with a comma between.
    pub fn brokers(&self) -> &str {
        &self.brokers.value
    }

    /// The consumer group; `None` where none was set: the app then uses the pipeline's name.
    pub fn group(&self) -> Option<&str> {
        self.group.as_ref().map(|group| group.value.as_str())
    }

    /// The same configuration with this group, the pipeline's name, where none was set.
    pub fn with_default_group(mut self, pipeline: &str) -> Self {
        let default = || Sourced { value: pipeline.to_owned(), source: Source::Pipeline };
        self.group.get_or_insert_with(default);
        self
    }

    /// The group protocol. Default: [`Protocol::Classic`].
    pub fn protocol(&self) -> Protocol {
        self.protocol.value
    }

    /// Where a partition starts that the group has no offset for. Default: [`Start::Earliest`].
    pub fn start(&self) -> Start {
        self.start.value
    }

    /// What happens when a committed offset is not in the topic. Default: [`OutOfRange::Error`].
    pub fn out_of_range(&self) -> OutOfRange {
        self.out_of_range.value
    }

    /// The time between two commits. Default: 10 s.
    pub fn commit_interval(&self) -> Duration {
        self.commit_interval.value
    }

    /// The most records of one partition that may be on their way at once. Default: 1024.
    pub fn in_flight(&self) -> usize {
        self.in_flight.value
    }

    /// How many threads run what is fused to the sources. Default: 1, the thread that polls.
    pub fn threads(&self) -> usize {
        self.threads.value
    }

    /// How many bytes the records of this process may hold. Default: 64 MiB.
    pub fn memory_budget(&self) -> u64 {
        self.memory_budget.value
    }

    /// The most bytes that a commit may carry to say what is done above its offset. Default: 4096; below 40: none.
    pub fn metadata_max_bytes(&self) -> usize {
        self.metadata_max_bytes.value
    }

    /// How long one record may hold a partition before that is logged. Default: 1 min.
    pub fn stall_after(&self) -> Duration {
        self.stall_after.value
    }

    /// How long no broker may answer before that is a fault in [`Health`](crate::Health). Default: 1 min.
    pub fn unreachable_after(&self) -> Duration {
        self.unreachable_after.value
    }

    /// How long a transaction may hold a partition back before that is a fault; `None`: as long as it takes.
    pub fn held_back_after(&self) -> Option<Duration> {
        self.held_back_after.as_ref().map(|after| after.value)
    }

    /// The folder of the local store; `None`, the default: in memory.
    pub fn store_path(&self) -> Option<&Path> {
        self.store_path.value.as_deref()
    }

    /// The most entries that a store in memory keeps. Default: 10,000,000. Pending offsets are never dropped.
    pub fn memory_max_len(&self) -> usize {
        self.memory_max_len.value
    }

    /// How long a store in memory keeps an entry. Default: 1 h. Pending offsets are never dropped.
    pub fn memory_max_age(&self) -> Duration {
        self.memory_max_age.value
    }

    /// How long one poll may wait for records. Default: 100 ms.
    pub fn poll_budget(&self) -> Duration {
        self.poll_budget.value
    }

    /// How long stopping, or giving a partition back, may wait for records on their way. Default: 5 s; always below
    /// [`max_poll_interval`](Self::max_poll_interval).
    pub fn drain_budget(&self) -> Duration {
        self.drain_budget.value
    }

    /// How long the start may wait for a broker to answer. Default: 10 s.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout.value
    }

    /// How long the start asks again when brokers answer that they are not ready.
    pub fn start_budget(&self) -> Duration {
        self.start_budget.value
    }

    /// The property `max.poll.interval.ms`: the longest time between two polls before the group gives this member up.
    /// Default: 5 min.
    pub fn max_poll_interval(&self) -> Duration {
        check::max_poll_interval(&self.properties)
    }

    /// What is odd but no error, such as environment variables that are no setting. Already logged.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl ConfigBuilder {
    /// Checks everything that needs no broker.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with **every** wrong setting: its key, its value (secrets redacted) and what is allowed.
    pub fn build(self) -> Result<Config, ConfigError> {
        self.build_for(Features::BUILT)
    }

    fn build_for(self, features: Features) -> Result<Config, ConfigError> {
        let mut wrong = Vec::new();
        if self.brokers.is_none() {
            wrong.push(check::brokers_missing());
        }
        let mut config = Config {
            brokers: take(self.brokers, String::new(), &mut wrong),
            group: self.group.map(|group| take(Some(group), String::new(), &mut wrong)),
            protocol: take(self.protocol, Protocol::default(), &mut wrong),
            start: take(self.start, Start::default(), &mut wrong),
            out_of_range: take(self.out_of_range, OutOfRange::default(), &mut wrong),
            commit_interval: take(self.commit_interval, settings::COMMIT_INTERVAL.default, &mut wrong),
            in_flight: take(self.in_flight, settings::IN_FLIGHT.default, &mut wrong),
            threads: take(self.threads, settings::THREADS.default, &mut wrong),
            memory_budget: take(self.memory_budget, settings::MEMORY_BUDGET.default, &mut wrong),
            metadata_max_bytes: take(
                self.metadata_max_bytes,
                settings::METADATA_MAX_BYTES.default,
                &mut wrong,
            ),
            stall_after: take(self.stall_after, settings::STALL_AFTER.default, &mut wrong),
            unreachable_after: take(self.unreachable_after, settings::UNREACHABLE_AFTER.default, &mut wrong),
            held_back_after: self
                .held_back_after
                .map(|after| take(Some(after), settings::HELD_BACK_AFTER.default, &mut wrong)),
            store_path: take(self.store_path, None, &mut wrong),
            memory_max_len: take(self.memory_max_len, settings::MEMORY_MAX_LEN.default, &mut wrong),
            memory_max_age: take(self.memory_max_age, settings::MEMORY_MAX_AGE.default, &mut wrong),
            poll_budget: take(self.poll_budget, settings::POLL_BUDGET.default, &mut wrong),
            drain_budget: take(self.drain_budget, settings::DRAIN_BUDGET.default, &mut wrong),
            connect_timeout: take(self.connect_timeout, settings::CONNECT_TIMEOUT.default, &mut wrong),
            start_budget: take(self.start_budget, settings::START_BUDGET.default, &mut wrong),
            dead_letter_topics: dead_letters::Topics::new(),
            operating: self.operating.checked(&mut wrong),
            properties: Properties::new(),
            warnings: self.warnings,
        };
        for (stage, given) in self.dead_letter_topics {
            config.dead_letter_topics.insert(stage, take(Some(given), String::new(), &mut wrong));
        }
        for (name, given) in self.properties {
            let known = wrong.len();
            let value = take(Some(given), String::new(), &mut wrong);
            if wrong.len() == known {
                match check::property(&name, &value, config.protocol.value, features) {
                    Some(one) => wrong.push(one),
                    None => drop(config.properties.insert(name, value)),
                }
            }
        }
        // what is wrong for itself is not looked at again
        wrong.extend(check::together(&config.properties, config.protocol.value, features));
        for (budget, setting) in
            [(&config.poll_budget, &settings::POLL_BUDGET), (&config.drain_budget, &settings::DRAIN_BUDGET)]
        {
            wrong.extend(check::below_poll_interval(budget, setting, &config.properties));
        }
        if wrong.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::new(wrong, self.hints, config.operating.logs().clone()))
        }
    }
}

/// The value, or the default where none was given or a wrong one, which is noted.
fn take<T>(given: Option<Given<T>>, default: T, wrong: &mut Vec<WrongSetting>) -> Sourced<T> {
    match given {
        None => check::default(default),
        Some(Given { value: Ok(value), source }) => Sourced { value, source },
        Some(Given { value: Err(one), .. }) => {
            wrong.push(*one);
            check::default(default)
        }
    }
}
