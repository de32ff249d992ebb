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
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))?;
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
    fn lines(&self) -> Vec<String> {
        let base = if self.keys.is_some() { "to limit" } else { "to raw" };
        let mut columns = Vec::new();
        let mut column = |title: &str, cell: &dyn Fn(&Figures) -> Option<String>| {
            let cells: Vec<_> = self.sides.iter().map(cell).collect();
            if cells.iter().any(Option::is_some) {
                let cells = cells.into_iter().map(Option::unwrap_or_default);
                columns.push((title.to_owned(), cells.collect::<Vec<_>>()));
            }
        };
        column("records", &|side| Some(grouped(side.records)));
        // How fast records are sent is nothing that a side does.
        let own = |value: String| (!self.paced).then_some(value);
        column("records/s", &|side| own(format!("{:.0}", side.records_per_second)));
        // Some workloads compare a side with itself alone.
        column(base, &|side| own(format!("{:.2}", side.ratio)).filter(|_| side.ratio.max > 0.0));
        column("CPU s/million", &|side| Some(format!("{:.2}", side.cpu_seconds_per_million)));
        column("peak MiB", &|side| Some(format!("{:.1}", side.peak_memory_mib)));
        column("s to first", &|side| Some(format!("{:.2}", side.seconds_to_first_record)));
        column("waits ms", &|side| side.waited_ms.map(|value| format!("{value:.2}")));
        column("p50 ms", &|side| side.p50_ms.map(|value| format!("{value:.2}")));
        column("p99 ms", &|side| side.p99_ms.map(|value| format!("{value:.2}")));
        column("s from SIGTERM to exit", &|side| side.seconds_to_exit.map(|value| format!("{value:.3}")));
        let line = |first: &str, cell: &dyn Fn(usize) -> String| {
            let cells = (0..columns.len()).map(|at| format!(" {:>WIDTH$} |", cell(at)));
            format!("| {first:18} |{}", cells.collect::<String>())
        };
        let mut lines = vec![
            String::new(),
            line("side", &|at| columns[at].0.clone()),
            format!("|:---|{}", "---:|".repeat(columns.len())),
        ];
        let rows = self.sides.iter().enumerate();
        lines.extend(rows.map(|(row, side)| line(side.side.name(), &|at| columns[at].1[row].clone())));
        lines
    }
}
