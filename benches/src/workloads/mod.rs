//! The workloads, one file each: topic, work, sides, bars.

mod latency;
pub(crate) mod scaling;
mod stop;
mod w1;
mod w1_bytes;
mod w1_defaults;
mod w1_observed;
mod w2;
mod w3;
mod w4;
mod w5;
mod w6;
mod w7;
mod w8;
mod w9;

use crate::{
    supply::Key,
    task::{Properties, Side, Work},
};

/// A workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its description.
    pub(crate) about: &'static str,
    pub(crate) partitions: u16,
    pub(crate) key: Key,
    pub(crate) work: Work,
    /// Whether all sides commit as often and use the same properties, or each has its own defaults.
    pub(crate) tuned: bool,
    /// Where records are sent while sides read; elsewhere all are there when a side begins.
    pub(crate) pace: Option<Pace>,
    /// Whether sides get SIGTERM while records flow; elsewhere they end with the last record.
    pub(crate) stops: bool,
    /// In the order of the first round.
    pub(crate) sides: &'static [Side],
    /// Which sides cannot do it, or tell nothing there, and why.
    pub(crate) absent: &'static [(Side, &'static str)],
    /// The bars that healer has to reach.
    pub(crate) bars: &'static [Bar],
}

/// How records are sent while sides read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many are there when a side begins, and how many more follow at once when those are done.
    pub(crate) steps: &'static [u64],
    /// How many a second follow then, for as long as a side is to be busy.
    pub(crate) per_second: u64,
}

/// A bar for healer beside another side, in records a second unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    /// At least this part of the raw loop's.
    Raw(f64),
    /// With two threads for its stages, at least this many times the raw loop's.
    Threads(f64),
    /// At least this part of the same pipeline's rate where nothing fails.
    Calm(f64),
    /// With batches that are taken apart, at least this part of the same pipeline's rate without.
    Singly(f64),
    /// With metrics that are scraped, at least this part of the same pipeline's rate without.
    Metrics(f64),
    /// With logs, at least this part of the same pipeline's rate without.
    Logs(f64),
    /// At least this many times the best peer's rate.
    BestPeer(f64),
    /// At least this part of the rate of `limit`, or of the rate that the longest key allows if that is less.
    Limit(f64),
    /// At most so many MiB above the raw loop's peak.
    ExtraMemory(f64),
    /// 99 in 100 records take at most so many times as long as in the raw loop.
    Latency(f64),
    /// The ledger occupies less than so many KiB.
    Ledger(f64),
}

/// How much a fetcher of every tuned side may keep: enough that it never runs dry, and little beside the measured figures.
const QUEUE_KBYTES: &str = "16384";

/// All sides that do not belong to this project.
pub(crate) const PEERS: [Side; 5] =
    [Side::Arroyo, Side::Ruststream, Side::RuststreamTracked, Side::Streams, Side::ParallelConsumer];

/// All peers, left out for one reason.
const fn no_peers(why: &'static str) -> [(Side, &'static str); PEERS.len()] {
    let mut absent = [(Side::Raw, why); PEERS.len()];
    let mut at = 0;
    while at < PEERS.len() {
        absent[at].0 = PEERS[at];
        at += 1;
    }
    absent
}

impl Workload {
    /// All of them.
    pub(crate) const ALL: [&'static Self; 21] = [
        &w1::W1,
        &w1_bytes::W1_BYTES,
        &w1_defaults::W1_DEFAULTS,
        &w1_observed::W1_OBSERVED,
        &w2::W2[0],
        &w2::W2[1],
        &w2::W2[2],
        &w3::W3[0],
        &w3::W3[1],
        &w3::W3[2],
        &w4::W4[0],
        &w4::W4[1],
        &w4::W4[2],
        &w5::W5[0],
        &w5::W5[1],
        &w6::W6,
        &w7::W7,
        &w8::W8,
        &w9::W9,
        &latency::LATENCY,
        &stop::STOP,
    ];

    /// The properties that every side gets, beside its own defaults.
    pub(crate) fn properties(&self, asked: &[(String, String)]) -> Properties {
        if !self.tuned {
            return Properties::new();
        }
        let usual = [("fetch.queue.backoff.ms", "10"), ("queued.max.messages.kbytes", QUEUE_KBYTES)];
        let usual = usual.map(|(key, value)| (key.to_owned(), value.to_owned()));
        usual.into_iter().chain(asked.iter().cloned()).collect()
    }

    /// How many records one core could not do in less than this many seconds.
    pub(crate) fn most_records(&self, seconds: u64) -> u64 {
        match self.work {
            Work::AtOnce { calls } => u64::from(calls) * seconds * 1_000,
            Work::Sleep { micros } => 64 * seconds * 1_000_000 / micros.max(1),
            _ => u64::MAX,
        }
    }
}

/// A workload whose records wait, as all keys have it.
const fn waiting(
    name: &'static str,
    about: &'static str,
    partitions: u16,
    key: Key,
    micros: u64,
) -> Workload {
    use Side::{Arroyo, Healer, Limit, ParallelConsumer, Raw, Ruststream, RuststreamTracked, Streams};
    Workload {
        name,
        about,
        partitions,
        key,
        work: Work::Sleep { micros },
        tuned: true,
        pace: None,
        stops: false,
        sides: &[Limit, Healer, Raw, Arroyo, Ruststream, RuststreamTracked, Streams, ParallelConsumer],
        absent: &[],
        bars: &[Bar::Limit(0.90), Bar::BestPeer(1.0)],
    }
}
