//! What came out: as a table for people, as JSON for programs.

use std::{
    fmt::{self, Write as _},
    fs, thread,
};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{
    args::Args,
    comparison::{Comparison, Properties},
    figures::{Spread, float, grouped},
    sides::Side,
    tally::Outcome,
    workloads::Workload,
};

/// Bytes in a MiB.
const MIB: f64 = 1_048_576.0;

/// What each side did in one round.
pub(crate) struct Round {
    pub(crate) outcomes: Vec<(Side, Outcome)>,
}

impl Round {
    fn of(&self, side: Side) -> Option<&Outcome> {
        self.outcomes.iter().find(|(of, _)| *of == side).map(|(_, outcome)| outcome)
    }

    /// A figure of a side as a part of the raw loop's in the same round.
    fn ratio(&self, side: Side) -> Option<f64> {
        Some(rate(self.of(side)?) / rate(self.of(Side::Raw)?))
    }
}

fn rate(outcome: &Outcome) -> f64 {
    float(outcome.records) / outcome.seconds.max(f64::EPSILON)
}

/// All of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    workload: Workload,
    origin: String,
    records: u64,
    rounds: u32,
    work_us: u64,
    cores: usize,
    comparisons: Vec<Compared>,
}

/// One comparison over all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    comparison: Comparison,
    properties: Properties,
    sides: Vec<Measured>,
    bars: Vec<Bar>,
}

/// One side over all rounds.
#[derive(Debug, Serialize)]
struct Measured {
    side: Side,
    records_per_second: Spread,
    /// To the raw loop, round by round.
    ratio: Spread,
    cpu_us_per_record: Spread,
    peak_memory_mib: Spread,
    outcomes: Vec<Outcome>,
}

/// What healer has to reach, and what it reached.
#[derive(Debug, Serialize)]
struct Bar {
    text: String,
    value: f64,
    met: bool,
}

impl Compared {
    pub(crate) fn new(comparison: Comparison, properties: Properties, rounds: &[Round]) -> Self {
        let sides: Vec<_> = Side::ALL.map(|side| Measured::new(side, rounds)).into();
        let bars = bars(comparison, &sides);
        Self { comparison, properties, sides, bars }
    }
}

impl Measured {
    fn new(side: Side, rounds: &[Round]) -> Self {
        let outcomes: Vec<_> = rounds.iter().filter_map(|round| round.of(side)).cloned().collect();
        let spread = |figure: &dyn Fn(&Outcome) -> f64| Spread::of(outcomes.iter().map(figure));
        Self {
            side,
            records_per_second: spread(&rate),
            ratio: Spread::of(rounds.iter().filter_map(|round| round.ratio(side))),
            cpu_us_per_record: spread(&|outcome| outcome.cpu_seconds * 1e6 / float(outcome.records)),
            peak_memory_mib: spread(&|outcome| float(outcome.peak_memory_bytes) / MIB),
            outcomes,
        }
    }
}

fn bars(comparison: Comparison, sides: &[Measured]) -> Vec<Bar> {
    let of = |side| sides.iter().find(|measured| measured.side == side);
    let (Some(raw), Some(healer)) = (of(Side::Raw), of(Side::Healer)) else {
        return Vec::new();
    };
    let wanted = comparison.bars();
    let ratio = healer.ratio.median;
    let mut bars = vec![Bar {
        text: format!("records a second, healer to raw: at least {:.2}", wanted.ratio),
        value: ratio,
        met: ratio >= wanted.ratio,
    }];
    if let Some(most) = wanted.extra_memory {
        let extra = healer.peak_memory_mib.median - raw.peak_memory_mib.median;
        bars.push(Bar {
            text: format!("peak memory, healer above raw: at most {most:.0} MiB"),
            value: extra,
            met: extra <= most,
        });
    }
    bars
}

impl Report {
    pub(crate) fn new(args: &Args, origin: String, records: u64, comparisons: Vec<Compared>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let Args { workload, rounds, work_us, .. } = *args;
        Self { workload, origin, records, rounds, work_us, cores, comparisons }
    }

    /// Whether healer reaches all that it has to.
    pub(crate) fn all_met(&self) -> bool {
        self.comparisons.iter().flat_map(|compared| &compared.bars).all(|bar| bar.met)
    }

    /// Prints the table, and the JSON to where it was asked for.
    pub(crate) fn write(&self, args: &Args) -> Result<()> {
        let table = self.to_string();
        let Some(path) = &args.json else {
            print!("{table}");
            return Ok(());
        };
        let json = serde_json::to_string_pretty(self)?;
        if path.as_os_str() == "-" {
            eprint!("{table}");
            println!("{json}");
        } else {
            print!("{table}");
            fs::write(path, json + "\n").with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, records, rounds, work_us, cores, .. } = self;
        writeln!(f)?;
        writeln!(f, "{} records: {origin}, repeated; {rounds} rounds on {cores} cores", grouped(*records))?;
        if *work_us > 0 {
            writeln!(f, "{work_us} µs of work on each record")?;
        }
        self.comparisons.iter().try_for_each(|compared| compared.fmt(f))
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut title = self.comparison.title().to_owned();
        for (at, (key, value)) in self.properties.iter().enumerate() {
            write!(title, "{} {key}={value}", if at == 0 { ":" } else { "," })?;
        }
        writeln!(f, "\n{title}; median (least–most)")?;
        let head = ["side", "records/s", "to raw", "CPU µs/record", "peak MiB"];
        writeln!(f, "  {:8} {:>30} {:>18} {:>20} {:>22}", head[0], head[1], head[2], head[3], head[4])?;
        for side in &self.sides {
            writeln!(
                f,
                "  {:8} {:>30.0} {:>18.2} {:>20.2} {:>22.1}",
                side.side.name(),
                side.records_per_second,
                side.ratio,
                side.cpu_us_per_record,
                side.peak_memory_mib
            )?;
        }
        for Bar { text, value, met } in &self.bars {
            writeln!(f, "  {} {text}: {value:.2}", if *met { "met " } else { "MISSED" })?;
        }
        Ok(())
    }
}
