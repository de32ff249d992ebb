//! One workload over all rounds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bars::{self, Judged};
use crate::{
    figures::{Spread, float, grouped},
    sides::Ran,
    task::{CONCURRENCY, LedgerFigures, Outcome, Properties, Side, Work},
    workloads::Workload,
};

/// Bytes in a MiB.
const MIB: f64 = 1_048_576.0;

/// The run of each side in one round.
pub(crate) struct Round {
    pub(crate) ran: Vec<(Side, Ran)>,
}

impl Round {
    pub(super) fn of(&self, side: Side) -> Option<&Ran> {
        self.ran.iter().find(|(of, _)| *of == side).map(|(_, ran)| ran)
    }

    /// Records a second.
    pub(super) fn rate(&self, side: Side) -> Option<f64> {
        self.of(side).map(|ran| rate(&ran.outcome))
    }

    /// The most that the order of the keys lets a side reach: the records of the longest key go one after the other.
    pub(super) fn key_limit(&self, longest_share: f64) -> Option<f64> {
        // Timers are late when a machine is busy, so a side that did less waited less.
        let waited = |side| self.of(side).map(|ran| ran.outcome.service_us / 1e6);
        let limit = waited(Side::Limit)?;
        let service = waited(Side::Healer).map_or(limit, |own| own.min(limit));
        // At most the records in flight, if no key is longer than its part of those.
        Some(1.0 / (service * longest_share.max(1.0 / float(CONCURRENCY as u64))))
    }
}

fn rate(outcome: &Outcome) -> f64 {
    float(outcome.records) / outcome.seconds.max(f64::EPSILON)
}

/// One workload over all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(super) workload: &'static str,
    pub(super) about: String,
    pub(super) properties: Properties,
    /// Where records wait: which part of the records has the longest key, and how many a second that allows.
    pub(super) keys: Option<Keys>,
    /// Whether records were sent at a fixed speed, which no side can change.
    pub(super) paced: bool,
    pub(super) sides: Vec<Figures>,
    pub(super) absent: Vec<(Side, String)>,
    /// Which sides ended with an error, and were not asked again.
    pub(super) failed: BTreeMap<Side, String>,
    /// Remarks that the figures of a side do not tell.
    pub(super) notes: Vec<(Side, String)>,
    pub(super) bars: Vec<Judged>,
}

/// The limit that the keys set.
#[derive(Debug, Serialize)]
pub(super) struct Keys {
    pub(super) longest_share: f64,
    /// With the time that a record was told to wait.
    pub(super) nominal_limit: f64,
    /// With the time that a record really waited, in `limit` or in healer, whichever was shorter.
    pub(super) limit: Spread,
}

/// One side over all rounds.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) side: Side,
    pub(super) records: u64,
    pub(super) seconds: Spread,
    pub(super) records_per_second: Spread,
    /// To the raw loop, or to `limit` where records wait; round by round.
    pub(super) ratio: Spread,
    pub(super) cpu_seconds_per_million: Spread,
    pub(super) peak_memory_mib: Spread,
    pub(super) seconds_to_first_record: Spread,
    /// How long a record really waited, where it was told to: timers differ, and those of tokio have a grain of 1 ms.
    pub(super) waited_ms: Option<Spread>,
    /// From sending to the end of the function, where that was timed.
    pub(super) p50_ms: Option<Spread>,
    pub(super) p99_ms: Option<Spread>,
    /// From SIGTERM to the end of the process, where it ended so.
    pub(super) seconds_to_exit: Option<Spread>,
    pub(super) outcomes: Vec<Outcome>,
}

impl Measured {
    pub(crate) fn new(
        workload: &'static Workload,
        properties: Properties,
        rounds: &[Round],
        longest_share: f64,
        absent: Vec<(Side, String)>,
        failed: BTreeMap<Side, String>,
    ) -> Self {
        let partitions = workload.partitions;
        let plural = if partitions == 1 { "" } else { "s" };
        let about = format!("{}; {partitions} partition{plural}, {}", workload.about, workload.key.text());
        let keys = match workload.work {
            Work::Sleep { micros } => Some(Keys {
                longest_share,
                nominal_limit: {
                    let share = longest_share.max(1.0 / float(CONCURRENCY as u64));
                    1e6 / (float(micros) * share)
                },
                limit: Spread::of(rounds.iter().filter_map(|round| round.key_limit(longest_share))),
            }),
            _ => None,
        };
        let base = if keys.is_some() { Side::Limit } else { Side::Raw };
        let sides: Vec<_> =
            workload.sides.iter().filter_map(|side| Figures::new(*side, base, rounds)).collect();
        let notes = sides.iter().flat_map(|figures| notes(figures.side, workload.work, rounds)).collect();
        let bars = bars::judge(workload, rounds, longest_share);
        let paced = workload.pace.is_some();
        Self { workload: workload.name, about, properties, keys, paced, sides, absent, failed, notes, bars }
    }
}

/// Remarks on a side that ran: how it is made, the first note of its runs, and the ledger's figures.
fn notes(side: Side, work: Work, rounds: &[Round]) -> Vec<(Side, String)> {
    let made = side.caveat(work).map(str::to_owned);
    let mut done = rounds.iter().filter_map(|round| Some((round, round.of(side)?.note.as_ref()?)));
    let count = done.clone().count();
    let done = done.next().map(|(_, first)| format!("{first} ({count} of {} rounds)", rounds.len()));
    let ledgers = rounds.iter().filter_map(|round| round.of(side)?.outcome.ledger);
    let ledger = ledgers.max_by_key(|ledger| ledger.bytes_at_most).map(ledger_in_words);
    made.into_iter().chain(done).chain(ledger).map(|note| (side, note)).collect()
}

fn ledger_in_words(ledger: LedgerFigures) -> String {
    format!(
        "at most {} records were pending while up to {} were done above the stuck one. A ledger says that it occupies at \
         most {} bytes for that, if none of the pending ones is beside another; it was not looked at itself. The whole \
         process occupied {:+} KiB more when all records of the last step were done than after the first step, both times \
         at rest, with buffers of the client and of the allocator",
        grouped(ledger.most_pending),
        grouped(ledger.most_done_above),
        grouped(ledger.bytes_at_most),
        ledger.resident_growth_bytes / 1_024
    )
}

impl Figures {
    /// None where the side did not run.
    fn new(side: Side, base: Side, rounds: &[Round]) -> Option<Self> {
        let ran: Vec<_> = rounds.iter().filter_map(|round| round.of(side)).collect();
        let spread = |figure: &dyn Fn(&Ran) -> f64| Spread::of(ran.iter().map(|ran| figure(ran)));
        let measured = |figure: &dyn Fn(&Ran) -> Option<f64>| {
            let values: Vec<_> = ran.iter().filter_map(|ran| figure(ran)).collect();
            (!values.is_empty()).then(|| Spread::of(values))
        };
        let ratio = |round: &Round| Some(round.rate(side)? / round.rate(base)?);
        Some(Self {
            side,
            records: ran.first()?.outcome.records,
            seconds: spread(&|ran| ran.outcome.seconds),
            records_per_second: spread(&|ran| rate(&ran.outcome)),
            ratio: Spread::of(rounds.iter().filter_map(ratio)),
            cpu_seconds_per_million: spread(&|ran| {
                ran.outcome.cpu_seconds * 1e6 / float(ran.outcome.records.max(1))
            }),
            peak_memory_mib: spread(&|ran| float(ran.outcome.peak_memory_bytes) / MIB),
            seconds_to_first_record: spread(&|ran| ran.to_first_record),
            waited_ms: measured(&|ran| {
                Some(ran.outcome.service_us / 1e3).filter(|waited| base == Side::Limit && *waited > 0.0)
            }),
            p50_ms: measured(&|ran| Some(float(ran.outcome.latency?.p50_us) / 1e3)),
            p99_ms: measured(&|ran| Some(float(ran.outcome.latency?.p99_us) / 1e3)),
            seconds_to_exit: measured(&|ran| ran.to_exit),
            outcomes: ran.into_iter().map(|ran| ran.outcome.clone()).collect(),
        })
    }
}
