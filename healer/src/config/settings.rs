//! The settings. Each is written here and nowhere else: values and defaults, setters, getters, variables, the print and
//! the table in `docs/settings.md` come from its row.
//!
//! A row of `Config` is `setter(argument) -> getter's type = kind(default, bounds), variable or second name;`. A row of a group has the field
//! and its type in place of the getter: `setter(argument) as field: type = …`. `table.rs` adds default, bounds and variables to the
//! documentation of each. The second name is the one that the variable had in water-healer.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Config, ConfigBuilder, IntoDuration, OutOfRange, Protocol, Start,
    builder::Row,
    kinds::{Choice, Flag, Folder, Kind, Number, Optional, Ratio, Time, Word},
    table::{default_text, kind, kind_type, row_text, settings, time},
    text,
};

settings! {
    Config {
        /// The brokers to begin with: `host:port`, several with a comma between.
        brokers(brokers: impl Into<String>) -> &str = Required(text::BROKERS), HEALER_BROKERS;

        /// The consumer group.
        group(group: impl Into<String>) -> Option<&str>
            = Optional("(the pipeline's name)", Word("", text::GROUP)), HEALER_GROUP;

        /// The group protocol.
        protocol(protocol: Protocol) -> Protocol = Choice(Protocol, Classic), HEALER_PROTOCOL;

        /// Where a partition starts that the group has no offset for.
        start(start: Start) -> Start = Choice(Start, Earliest), HEALER_START;

        /// The answer to a committed offset that is not in the topic.
        out_of_range(out_of_range: OutOfRange) -> OutOfRange = Choice(OutOfRange, Error), HEALER_OUT_OF_RANGE;

        /// The time between two commits. A crash replays at most the records that finished since the last commit.
        commit_interval(every: impl IntoDuration) -> Duration = Time(10 s, 1 ms to 1 day), HEALER_COMMIT_INTERVAL;

        /// The most records of one partition that may be on their way at once. Further records wait in front of the partition until one of
        /// them is done.
        in_flight(records: usize) -> usize = Number(usize, 1024, 1 to 10_000_000), HEALER_IN_FLIGHT;

        /// Number of threads that decode and run synchronous stages. One is the thread that polls.
        /// With more than one each has some of the partitions, whose records stay in order; the polling thread copies
        /// records for them, so this pays where decoding or synchronous stages take most of a core, and not where work waits: for that
        /// there is `#[stage(parallel = N)]`.
        threads(threads: usize) -> usize = Number(usize, 1, 1 to 256), HEALER_THREADS;

        /// The most bytes that the records of this process hold, of all its pipelines together. These are the records in flight, with
        /// the parts of them that are kept for dead letters and the output of sinks, and the records that were fetched and wait.
        ///
        /// The bytes of records as they came in are counted, and 256 for each record in flight; the size of your own types is not
        /// known. A partition takes in more while it holds less than is free, so that one alone gets half of the budget, and `n` of them
        /// get a part of `n + 1` each; the rest stays with the broker. One record may be larger than all of it, and each
        /// partition may always hold one.
        ///
        /// The client's own queues come on top: `queued.max.messages.kbytes` (4096 here, which is 4 MiB) is the limit of its fetches, and
        /// once more the same is on its way from each broker.
        memory_budget(bytes: u64) -> u64 = Number(u64, 67_108_864, 1 to 1_099_511_627_776), HEALER_MEMORY_BUDGET;

        /// The most bytes that a commit may carry about records that are done above its offset, so that the next owner of the partition
        /// skips them. The broker's `offset.metadata.max.bytes`, 4096 by default, must not be below it.
        /// A partition that would need more takes no new records until the lowest pending ones are done.
        ///
        /// 40 bytes of it tell the store's snapshots of this way of the group from older ones. From 40 to 59 there is room for no more: the
        /// store alone knows which records above are done, and no partition waits for room. Below 40, as with 0, nothing is sent, and a restart
        /// processes all above the committed offset again, since no snapshot is believed.
        metadata_max_bytes(bytes: usize) -> usize = Number(usize, 4096, 0 to 1_000_000), HEALER_METADATA_MAX_BYTES;

        /// How long one record may hold a partition before a warning names it.
        stall_after(after: impl IntoDuration) -> Duration = Time(1 min, 1 ms to 1 day), HEALER_STALL_AFTER;

        /// How long no broker may answer before that is a fault. [`Health::faults`](crate::Health::faults) and `/healthz` tell of it.
        /// Most outages pass, and a restart ends none.
        unreachable_after(after: impl IntoDuration) -> Duration = Time(1 min, 1 ms to 1 day), HEALER_UNREACHABLE_AFTER;

        /// How long a producer's open transaction may hold a partition back before that is a fault. [`Health`](crate::Health) and `/healthz`
        /// tell of it. It is off by default, since some producers have transactions of many minutes, and a restart ends none.
        /// [`PartitionStatus::held_back`](crate::PartitionStatus::held_back) and a gauge tell of it at any rate, and a warning after
        /// [`stall_after`](Self::stall_after).
        held_back_after(after: impl IntoDuration) -> Option<Duration>
            = Optional("(never)", Time(1 day, 1 ms to 1 day)), HEALER_HELD_BACK_AFTER;

        /// The folder of the local store. Without one the store is kept in memory (as a variable the word `memory`), and a restart replays
        /// from the committed offsets. A folder needs the cargo feature `sled`, which is on by default.
        store_path(folder: impl Into<PathBuf>) -> Option<&Path> = Folder("(in memory)"), HEALER_STORE_PATH or HEALER_STORE;

        /// The most entries that a store in memory keeps. Pending offsets are never dropped, whatever the limit.
        memory_max_len(entries: usize) -> usize
            = Number(usize, 10_000_000, 1 to 1_000_000_000), HEALER_MEMORY_MAX_LEN or MAXLEN_MEMORY;

        /// How long a store in memory keeps an entry. Pending offsets are never dropped, whatever the limit.
        memory_max_age(age: impl IntoDuration) -> Duration
            = Time(1 h, 1 ms to 10 years), HEALER_MEMORY_MAX_AGE or MAXAGE_MEMORY;

        /// How long one poll may wait for records.
        poll_budget(budget: impl IntoDuration) -> Duration = Time(100 ms, 1 ms to 1 min), HEALER_POLL_BUDGET;

        /// How long stopping, or giving a partition back, may wait for records on their way. It must be below the property
        /// `max.poll.interval.ms`. Records that are not done by then are processed again by the partition's next owner.
        drain_budget(budget: impl IntoDuration) -> Duration = Time(5 s, 0 s to 1 day), HEALER_DRAIN_BUDGET;

        /// How long the start may wait for a broker to answer.
        connect_timeout(timeout: impl IntoDuration) -> Duration = Time(10 s, 1 ms to 10 min), HEALER_CONNECT_TIMEOUT;

        /// How long the start asks again when brokers answer that they are not ready: no coordinator yet, one that is still
        /// loading, no leader.
        start_budget(budget: impl IntoDuration) -> Duration = Time(1 min, 0 s to 1 day), HEALER_START_BUDGET;

        /// The topic for records that failed at a node whose `dead_letter` names no topic. Such a node says
        /// `#[stage(on_error = dead_letter)]`, or [`OnError::ConfiguredDeadLetter`](crate::OnError::ConfiguredDeadLetter). Without it a pipeline with such a node is not built.
        dead_letter_topic(topic: impl Into<String>) -> Option<&str>
            = Optional("(none)", Word("", text::TOPIC)), HEALER_DEAD_LETTER_TOPIC;

        /// Whether `#[checkpoint]` keeps values. See [`checkpoint`](macro@crate::checkpoint).
        checkpointing(on: bool) -> bool = Flag(true), HEALER_CHECKPOINTING or ENABLE_CHECKPOINTING;
    }

    /// How and how much is logged ([`Config::logs`]).
    #[derive(Debug, Clone, PartialEq, Eq)]
    LogSettings in logs {
        /// Whether a log line is a JSON object instead of text.
        log_json(on: bool) as json: bool = Flag(false), HEALER_LOG_JSON or ENABLE_JSON_LOGGING;

        /// The lowest level that is logged: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`, in small or capital letters. The words of
        /// Python's logging are taken too (`WARNING`, `CRITICAL`, `NOTSET`), and levels for parts of the program (`INFO,healer=DEBUG`).
        log_level(level: impl Into<String>) as level: String = Word("INFO", text::LEVEL), HEALER_LOG_LEVEL or LOGLEVEL;

        /// Whether the data of records is logged. It is off by default (water-healer's was on), for data may be personal or secret.
        log_data(on: bool) as data: bool = Flag(false), HEALER_LOG_DATA or ENABLE_EMIT_LOGGING;

        /// Where the data of one record is cut in the log, in bytes.
        log_data_max_bytes(bytes: usize) as data_max_bytes: usize
            = Number(usize, 10_000, 1 to 100_000_000), HEALER_LOG_DATA_MAX_BYTES;
    }

    /// Where traces are sent, if anywhere ([`Config::traces`]).
    #[derive(Debug, Clone, PartialEq)]
    TraceSettings in traces {
        /// Whether traces are sent.
        traces(on: bool) as enabled: bool = Flag(false), HEALER_TRACES or ENABLE_OPENTELEMETRY_JAEGER;

        /// The service's name in the traces.
        service_name(name: impl Into<String>) as service_name: String
            = Word("healer", text::SERVICE_NAME), HEALER_SERVICE_NAME or OPENTELEMETRY_SERVICE_NAME;

        /// The host that takes OTLP, its name or address alone. An IPv6 address gets brackets.
        otlp_host(host: impl Into<String>) as host: String
            = Word("localhost", text::HOST), HEALER_OTLP_HOST or JAEGER_HOSTNAME;

        /// The port that takes OTLP over gRPC. In `JAEGER_PORT` 6831, where Jaeger took its own protocol, is taken as 4317 with a warning.
        otlp_port(port: u16) as port: u16 = Number(u16, 4317, 1 to 65535), HEALER_OTLP_PORT or JAEGER_PORT;

        /// The part of the records that is traced, from 0 for none to 1 for all. A record whose header
        /// `traceparent` says whether it is traced goes by that.
        traces_ratio(part: f64) as ratio: f64 = Ratio(1), HEALER_TRACES_RATIO;
    }

    /// When the guard ends the process ([`Config::guard`]). Without a guard none of it acts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    GuardSettings in guard {
        /// Whether the guard ends the process after an error that ended a pipeline.
        guard_on_error(on: bool) as on_error: bool = Flag(true), HEALER_GUARD_ON_ERROR or HEALING_GOT_ERROR;

        /// Whether the guard ends the process when no broker answers for `unreachable_after`. (The original asked its Dask cluster.)
        guard_on_lost_broker(on: bool) as on_lost_broker: bool
            = Flag(true), HEALER_GUARD_ON_LOST_BROKER or HEALING_GOT_DASK;

        /// How long nothing may be committed, while there is something to commit, before the guard ends the process. 0: for ever.
        graceful_offset(time: impl IntoDuration) as graceful_offset: Duration
            = Time(1 h, 0 s to 100 years), HEALER_GRACEFUL_OFFSET or HEALING_GRACEFUL_OFFSET;

        /// How long a pipeline may go without polling before the guard ends the process. 0: for ever.
        graceful_polling(time: impl IntoDuration) as graceful_polling: Duration
            = Time(30 min, 0 s to 100 years), HEALER_GRACEFUL_POLLING or HEALING_GRACEFUL_POLLING;

        /// The time between two looks of the guard.
        guard_interval(every: impl IntoDuration) as interval: Duration
            = Time(5 s, 1 ms to 1 day), HEALER_GUARD_INTERVAL or HEALING_INTERVAL;

        /// How long the guard waits before it ends the process. 0: not at all.
        sleep_before_shutdown(time: impl IntoDuration) as sleep_before_shutdown: Duration
            = Time(2 s, 0 s to 1 day), HEALER_SLEEP_BEFORE_SHUTDOWN or HEALING_SLEEP_BEFORE_SHUTDOWN;

        /// How long the process lives before the guard ends it. 0: for ever.
        expires_after(time: impl IntoDuration) as expires_after: Duration
            = Time(0 s, 0 s to 100 years), HEALER_EXPIRES_AFTER or HEALING_AUTO_EXPIRED;

        /// After how many commits of a pipeline the guard ends the process. 0: never.
        max_commits(commits: u64) as max_commits: u64
            = Number(u64, 0, 0 to 18_446_744_073_709_551_615), HEALER_MAX_COMMITS or HEALING_MAX_TOTAL_COMMIT;
    }

    /// Measurements of the metrics beside counting ([`Config::measures`]).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    MeasureSettings in measures {
        /// Whether the metrics measure how long stages take.
        measure_durations(on: bool) as durations: bool = Flag(true), HEALER_MEASURE_DURATIONS;

        /// Whether the metrics measure how many bytes go into stages and come out of them.
        measure_sizes(on: bool) as sizes: bool = Flag(true), HEALER_MEASURE_SIZES;
    }
}
