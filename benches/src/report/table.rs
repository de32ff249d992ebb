//! The tables, as Markdown that people can read as it is.

use std::fmt;

use super::{
    Report,
    bars::Judged,
    measured::{Figures, Measured},
};
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
        self.columns().iter().try_for_each(|line| writeln!(f, "{line}"))?;
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

/// How wide a column of figures is.
const WIDTH: usize = 22;

impl Measured {
    /// The lines of the table; figures that no side has are no column.
    fn columns(&self) -> Vec<String> {
        let base = if self.keys.is_some() { "to limit" } else { "to raw" };
        let mut lines = vec![String::new(), format!("| {:18} |", "side"), "|:---|".to_owned()];
        lines.extend(self.sides.iter().map(|figures| format!("| {:18} |", figures.side.name())));
        let mut column = |title: &str, cell: &dyn Fn(&Figures) -> Option<String>| {
            let cells: Vec<_> = self.sides.iter().map(cell).collect();
            if cells.iter().all(Option::is_none) {
                return;
            }
            lines[1] += &format!(" {title:>WIDTH$} |");
            lines[2] += "---:|";
            for (line, cell) in lines[3..].iter_mut().zip(cells) {
                *line += &format!(" {:>WIDTH$} |", cell.unwrap_or_default());
            }
        };
        column("records", &|side| Some(grouped(side.records)));
        column("records/s", &|side| Some(format!("{:.0}", side.records_per_second)));
        column(base, &|side| Some(format!("{:.2}", side.ratio)));
        column("CPU s/million", &|side| Some(format!("{:.2}", side.cpu_seconds_per_million)));
        column("peak MiB", &|side| Some(format!("{:.1}", side.peak_memory_mib)));
        column("s to first", &|side| Some(format!("{:.2}", side.seconds_to_first_record)));
        column("p50 ms", &|side| side.p50_ms.map(|value| format!("{value:.2}")));
        column("p99 ms", &|side| side.p99_ms.map(|value| format!("{value:.2}")));
        column("s from SIGTERM to exit", &|side| side.seconds_to_exit.map(|value| format!("{value:.3}")));
        lines
    }
}
