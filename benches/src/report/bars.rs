//! The bars that healer has to reach, and the figures that it reached.

use serde::Serialize;

use super::measured::Round;
use crate::{
    figures::{Spread, float},
    task::{Side, Work},
    workloads::{Bar, PEERS, Workload},
};

/// A bar beside the median of the figures that were reached round by round.
#[derive(Debug, Serialize)]
pub(super) struct Judged {
    pub(super) text: String,
    pub(super) value: Spread,
    pub(super) met: bool,
}

/// All bars of a workload; those whose sides did not run are left out.
pub(super) fn judge(workload: &Workload, rounds: &[Round], longest_share: f64) -> Vec<Judged> {
    workload.bars.iter().filter_map(|bar| judge_one(*bar, workload.work, rounds, longest_share)).collect()
}

fn judge_one(bar: Bar, work: Work, rounds: &[Round], longest_share: f64) -> Option<Judged> {
    let over = |value: &dyn Fn(&Round) -> Option<f64>| {
        let values: Vec<_> = rounds.iter().filter_map(value).collect();
        (!values.is_empty()).then(|| Spread::of(values))
    };
    let ratio_to = |of: &dyn Fn(&Round) -> Option<f64>| {
        over(&|round: &Round| Some(round.rate(Side::Healer)? / of(round)?))
    };
    let at_most = |text: String, most: f64, value: Option<Spread>| {
        value.map(|value| Judged { text, met: value.median <= most, value })
    };
    let (text, value, least) = match bar {
        Bar::Raw(least) => {
            let value = ratio_to(&|round| round.rate(Side::Raw))?;
            (format!("records a second, healer to raw: at least {least:.2}"), value, least)
        }
        Bar::Threads(least) => {
            let ratio = |round: &Round| Some(round.rate(Side::HealerThreads)? / round.rate(Side::Raw)?);
            let text = format!("records a second, healer with two threads to raw: at least {least:.2}");
            (text, over(&ratio)?, least)
        }
        Bar::Calm(least) => {
            let value = ratio_to(&|round| round.rate(Side::HealerCalm))?;
            (
                format!("records a second, healer to healer where nothing fails: at least {least:.2}"),
                value,
                least,
            )
        }
        Bar::Singly(least) => {
            let value = ratio_to(&|round| round.rate(Side::HealerSingly))?;
            (format!("records a second, healer to healer without batches: at least {least:.2}"), value, least)
        }
        Bar::Metrics(least) => {
            let ratio = |round: &Round| Some(round.rate(Side::HealerMetrics)? / round.rate(Side::Healer)?);
            let text =
                format!("records a second, healer with metrics to healer without: at least {least:.2}");
            (text, over(&ratio)?, least)
        }
        Bar::Logs(least) => {
            let ratio = |round: &Round| Some(round.rate(Side::HealerLogs)? / round.rate(Side::Healer)?);
            let text = format!("records a second, healer with logs to healer without: at least {least:.2}");
            (text, over(&ratio)?, least)
        }
        Bar::BestPeer(least) => {
            // A peer that lets the records of a key overlap does less.
            let peers = PEERS.iter().filter(|peer| peer.keeps_keys(work));
            let best = |round: &Round| peers.clone().filter_map(|peer| round.rate(*peer)).reduce(f64::max);
            let value = ratio_to(&best)?;
            let text = "records a second, healer to the best peer that keeps the order of keys: at least";
            (format!("{text} {least:.2}"), value, least)
        }
        Bar::Limit(least) => {
            let limit = |round: &Round| Some(round.rate(Side::Limit)?.min(round.key_limit(longest_share)?));
            let value = ratio_to(&limit)?;
            let text = "records a second, healer to the limit of machine and keys: at least";
            (format!("{text} {least:.2}"), value, least)
        }
        Bar::ExtraMemory(most) => {
            let peak =
                |round: &Round, side| Some(float(round.of(side)?.outcome.peak_memory_bytes) / 1_048_576.0);
            let value = over(&|round| Some(peak(round, Side::Healer)? - peak(round, Side::Raw)?));
            return at_most(format!("peak memory, healer above raw: at most {most:.0} MiB"), most, value);
        }
        Bar::Latency(most) => {
            let p99 = |round: &Round, side| Some(float(round.of(side)?.outcome.latency?.p99_us));
            let value = over(&|round| Some(p99(round, Side::Healer)? / p99(round, Side::Raw)?.max(1.0)));
            return at_most(format!("p99 of the latency, healer to raw: at most {most:.2}"), most, value);
        }
        Bar::Ledger(most) => {
            let ledger = |round: &Round| round.of(Side::Healer)?.outcome.ledger;
            let value = over(&|round| Some(float(ledger(round)?.bytes_at_most) / 1_024.0));
            let text = "KiB that the ledger occupies at most, for the records that were pending: at most";
            return at_most(format!("{text} {most:.0}"), most, value);
        }
    };
    Some(Judged { text, met: value.median >= least, value })
}
