//! The tables, as Markdown that people can read as it is.

use std::fmt;

use super::{Report, bars::Judged, measured::Measured};
use crate::figures::grouped;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, rounds, seconds, cores, .. } = self;
        writeln!(f, "\nRecords: {origin}, repeated. Each side is busy for at least {seconds} s about;")?;
        writeln!(f, "{rounds} rounds in turn on {cores} cores: median (least–most).")?;
        self.workloads.iter().try_for_each(|measured| measured.fmt(f))
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## {}\n\n{}.", self.workload, self.about)?;
        for (at, (key, value)) in self.properties.iter().enumerate() {
            write!(f, "{}`{key}={value}`", if at == 0 { "Tuned alike: " } else { ", " })?;
        }
        if !self.properties.is_empty() {
            writeln!(f, ".")?;
        }
        if let Some(keys) = &self.keys {
            writeln!(
                f,
                "The longest key has {:.2} % of the records; in the order of the keys nobody can do more than {:.0} \
                 a second, {:.0} with the time that a record really waits.",
                keys.longest_share * 100.0,
                keys.nominal_limit,
                keys.limit
            )?;
        }
        let base = if self.keys.is_some() { "to limit" } else { "to raw" };
        writeln!(
            f,
            "\n| {:18} | {:>10} | {:>26} | {:>17} | {:>20} | {:>22} | {:>18} |",
            "side", "records", "records/s", base, "CPU s/million", "peak MiB", "s to first"
        )?;
        writeln!(f, "|:---|---:|---:|---:|---:|---:|---:|")?;
        for side in &self.sides {
            writeln!(
                f,
                "| {:18} | {:>10} | {:>26.0} | {:>17.2} | {:>20.2} | {:>22.1} | {:>18.2} |",
                side.side.name(),
                grouped(side.records),
                side.records_per_second,
                side.ratio,
                side.cpu_seconds_per_million,
                side.peak_memory_mib,
                side.seconds_to_first_record
            )?;
        }
        writeln!(f)?;
        for (side, why) in &self.failed {
            writeln!(f, "- **failed**: {}: {why}", side.name())?;
        }
        for (side, note) in &self.notes {
            writeln!(f, "- note: {}: {note}", side.name())?;
        }
        for (side, why) in &self.absent {
            writeln!(f, "- not here: {}: {why}", side.name())?;
        }
        for Judged { text, value, met } in &self.bars {
            writeln!(f, "- {}: {text}: {value:.2}", if *met { "met" } else { "**MISSED**" })?;
        }
        Ok(())
    }
}
