//! The task of a side and its outcome: JSON between two processes, so that a side may be written in any language.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// Client properties by name.
pub(crate) type Properties = BTreeMap<String, String>;

/// How many records are worked on at once, where a workload lets a side do that.
pub(crate) const CONCURRENCY: usize = 64;
/// How many flights one transaction saves.
pub(crate) const BATCH: usize = 500;
/// The time between two commits of every side that is tuned like the others.
pub(crate) const COMMIT: Duration = Duration::from_secs(1);

/// A way to read a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// A loop round rdkafka's `BaseConsumer`, by hand.
    Raw,
    /// 64 records at once in no order and without a commit: the most that a machine can do where work waits.
    Limit,
    /// A pipeline of healer.
    Healer,
    /// The same pipeline, whose fused stages run on two threads beside the one that polls.
    HealerThreads,
    /// The same pipeline where no record fails, beside one where some do.
    HealerCalm,
    /// The same pipeline without batches, beside one that gathers and takes apart.
    HealerSingly,
    /// The same pipeline, with metrics that are exported and scraped.
    HealerMetrics,
    /// The same pipeline, with logs.
    HealerLogs,
    /// Strategies of `sentry_arroyo`.
    Arroyo,
    /// A subscriber of `ruststream-rdkafka` that leaves commits to the client.
    Ruststream,
    /// The same, where only acknowledged records are committed.
    RuststreamTracked,
    /// A topology of Kafka Streams.
    Streams,
    /// Confluent's Parallel Consumer, in the order of the keys.
    ParallelConsumer,
}

impl Side {
    /// Its name in tables, groups and JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Limit => "limit",
            Self::Healer => "healer",
            Self::HealerThreads => "healer-threads",
            Self::HealerCalm => "healer-calm",
            Self::HealerSingly => "healer-singly",
            Self::HealerMetrics => "healer-metrics",
            Self::HealerLogs => "healer-logs",
            Self::Arroyo => "arroyo",
            Self::Ruststream => "ruststream",
            Self::RuststreamTracked => "ruststream-tracked",
            Self::Streams => "kafka-streams",
            Self::ParallelConsumer => "parallel-consumer",
        }
    }

    /// Whether it works on the records of one key one after the other.
    pub(crate) fn keeps_keys(self, work: Work) -> bool {
        let waits = matches!(work, Work::Sleep { .. });
        !waits || !matches!(self, Self::Limit | Self::Arroyo)
    }

    /// The work that it does, or leaves out, unlike the others.
    pub(crate) fn caveat(self, work: Work) -> Option<&'static str> {
        let waits = matches!(work, Work::Sleep { .. });
        match self {
            Self::Limit => Some("keeps no order and commits nothing"),
            Self::Raw if waits => Some("works on one record at a time"),
            Self::Arroyo if waits => Some("keeps no order of keys, so it is no peer that a bar asks for"),
            Self::Ruststream => Some("commits what was handed out, whether or not it was worked on"),
            Self::Streams if waits => Some("works on one record of a partition at a time"),
            _ => None,
        }
    }
}

/// The work on each record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Work {
    /// Decode a flight and add up its delays.
    Decode,
    /// Add up the lengths of the values, which stay bytes.
    Bytes,
    /// Decode, wait, then add up; up to [`CONCURRENCY`] records at once.
    Sleep {
        /// How long each record waits.
        micros: u64,
    },
    /// Decode, wait 1 ms, then add up; so many records at once, in no order.
    AtOnce {
        /// How many.
        calls: u16,
    },
    /// Decode and add up, and fail twice at some records.
    Flaky {
        /// One record in so many of a partition fails.
        every: i64,
        /// The pause after each failure.
        backoff_ms: u64,
        /// Where only records of this partition fail. Then those of the others count, and the run ends with the last of them.
        only: Option<i32>,
    },
    /// Decode, save [`BATCH`] flights in one transaction of `SQLite`, then add them up.
    Save,
    /// Decode, gather [`BATCH`] flights, take them apart, then add them up one by one in an asynchronous function.
    Apart,
    /// Decode, make a smaller value of it, encode that and send it; acknowledged values are added up.
    Send,
    /// Decode a flight that says when it was sent, add it up, and remember how long it took.
    Timed,
    /// The same, and healer does not end the first record before all others.
    Stuck,
}

impl Task {
    /// The topic of [`Work::Send`].
    pub(crate) fn output(&self) -> String {
        format!("{}-out", self.group)
    }
}

impl Work {
    /// The partition whose records do not count.
    pub(crate) fn apart(self) -> Option<i32> {
        match self {
            Self::Flaky { only, .. } => only,
            _ => None,
        }
    }
}

/// When a side ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    /// With the last record of a topic that is complete when the side begins.
    End,
    /// With the last record of a topic that is filled meanwhile.
    AllSent,
    /// With the last record that counts, where not all do.
    Counted,
    /// When it gets SIGTERM; it says [`READY`] when the first record comes.
    Signal,
}

/// The line by which a side says that it is ready for the next step.
pub(crate) const READY: &str = "ready";

/// The task of one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) side: Side,
    pub(crate) work: Work,
    /// Whether all sides commit as often and use the same properties, or each has its own defaults.
    pub(crate) tuned: bool,
    pub(crate) properties: Properties,
    pub(crate) brokers: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) partitions: u16,
    /// How many records the topic holds, or will hold; where not all count, those that do.
    pub(crate) records: u64,
    pub(crate) until: Until,
    /// After how many records the side says [`READY`], so that more are sent; in flights that are timed.
    pub(crate) marks: Vec<u64>,
}

/// The outcome of one run of a side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Records that went through the function.
    pub(crate) records: u64,
    /// Their sum; the same on all sides, or one of them did other work.
    pub(crate) sum: i64,
    /// From the first record to the last.
    pub(crate) seconds: f64,
    /// Processor time in that span, of all threads.
    pub(crate) cpu_seconds: f64,
    /// The most memory that the process ever had in use.
    pub(crate) peak_memory_bytes: u64,
    /// When the first record was seen, in milliseconds since 1970.
    pub(crate) first_unix_ms: u64,
    /// How long one record waited where it was told to wait, in the mean; zero where none was.
    pub(crate) service_us: f64,
    /// From the sending of a record to the end of its function, where records say when they were sent.
    pub(crate) latency: Option<Latency>,
    /// The ledger's figures, where a record is stuck.
    pub(crate) ledger: Option<LedgerFigures>,
}

/// How long records took from their sending to the end of their function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// How many records were timed.
    pub(crate) records: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
}

/// The figures of a partition's ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerFigures {
    /// The most records that were pending whenever the partition was asked.
    pub(crate) most_pending: u64,
    /// The most records that were done above the stuck one.
    pub(crate) most_done_above: u64,
    /// The size that a ledger states for so many pending records, in the order that costs most.
    pub(crate) bytes_at_most: u64,
    /// How much more memory the whole process occupied after the last step than after the first, both times at rest.
    pub(crate) resident_growth_bytes: i64,
}
