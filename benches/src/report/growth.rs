//! How cost grows, as tables and as JSON.

use std::{fmt, thread};

use anyhow::Result;
use serde::Serialize;

use super::{lines, show};
use crate::{
    args::How,
    figures::{Spread, grouped},
    task::Side,
};

/// One side with one number of partitions, or of records at once.
#[derive(Debug, Serialize)]
pub(crate) struct Point {
    pub(crate) at: u16,
    pub(crate) records: u64,
    pub(crate) records_per_second: Spread,
    pub(crate) peak_memory_mib: Spread,
}

/// One side with all of them.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) side: Side,
    pub(crate) points: Vec<Point>,
}

impl Curve {
    /// Without points.
    pub(crate) fn new(side: Side) -> Self {
        Self { side, points: Vec::new() }
    }
}

/// All of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Growth {
    rounds: u32,
    cores: usize,
    partitions: Vec<Curve>,
    in_flight: Vec<Curve>,
}

impl Growth {
    pub(crate) fn new(how: &How, partitions: Vec<Curve>, in_flight: Vec<Curve>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { rounds: how.rounds, cores, partitions, in_flight }
    }

    /// Prints the tables, and writes each other form that was asked for to its place.
    pub(crate) fn write(&self, how: &How) -> Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        show(how, &self.to_string(), &json, || lines::draw(&self.parts()))
    }

    /// The curves of each part, with the part's name.
    fn parts(&self) -> [(&'static str, &[Curve]); 2] {
        [("partitions", &self.partitions), ("in flight", &self.in_flight)]
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, cores, .. } = self;
        writeln!(f, "\n# How cost grows\n\n{rounds} rounds on {cores} cores: median (least–most).")?;
        for (name, curves) in self.parts() {
            writeln!(f, "\n## {name}\n\n{}\n", about(name))?;
            writeln!(
                f,
                "| {name:>10} | {:8} | {:>10} | {:>26} | {:>22} |",
                "side", "records", "records/s", "peak MiB"
            )?;
            writeln!(f, "|---:|:---|---:|---:|---:|")?;
            for curve in curves {
                for Point { at, records, records_per_second, peak_memory_mib } in &curve.points {
                    writeln!(
                        f,
                        "| {:>10} | {:8} | {:>10} | {records_per_second:>26.0} | {peak_memory_mib:>22.1} |",
                        grouped(u64::from(*at)),
                        curve.side.name(),
                        grouped(*records),
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn about(name: &str) -> &'static str {
    match name {
        "partitions" => "W1 (decode and one cheap function) with the same records on more partitions.",
        _ => {
            "An asynchronous stage that waits 1 ms, on 4 partitions: `parallel` and `in_flight`, which is for each \
             partition, have this number. In no order. The raw loop works on one record at a time, so it is not here."
        }
    }
}
