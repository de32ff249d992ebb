//! The summary at the end of a run: for people, or as JSON for programs.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::PathBuf,
};

use healer::{PartitionReport, Report};
use indicatif::HumanCount;
use serde::{Deserialize, Serialize};

use super::{
    data,
    database::{CarrierDelay, Database},
    options::Options,
    stages::LateFlights,
};

/// The summary. In JSON it is one object.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Records that this run finished.
    pub records: u64,
    /// Those of them that went nowhere, by reason. A flight that was only not late went to the database.
    pub skipped: BTreeMap<String, u64>,
    /// Late flights that this run sent on.
    pub late: u64,
    /// Flights of the topic that are in the database, whichever run saved them.
    pub saved: u64,
    /// The group's committed offsets, by partition of the topic.
    pub committed: BTreeMap<i32, Option<i64>>,
    /// Where the partitions of the topic end.
    pub end: BTreeMap<i32, Option<i64>>,
    /// Records that are not done; null if the broker did not say.
    pub lag: Option<u64>,
    /// How long it took, joining the consumer group included.
    pub seconds: f64,
    #[serde(skip)]
    delays: Vec<CarrierDelay>,
    #[serde(skip)]
    database: PathBuf,
    #[serde(skip)]
    late_topic: String,
}

impl Summary {
    /// Puts together the figures of the engine, of the database and of our own counter.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn new(
        options: &Options,
        report: Report,
        late: &LateFlights,
        database: &Database,
    ) -> anyhow::Result<Self> {
        let partitions = || report.partitions.iter().filter(|partition| partition.topic == options.topic);
        let by_partition = |offset: fn(&PartitionReport) -> Option<i64>| {
            partitions().map(|at| (at.partition, offset(at))).collect()
        };
        let committed = by_partition(|partition| partition.committed);
        let end = by_partition(|partition| partition.end);
        let mut skipped = report.skipped;
        skipped.entry("cancelled".to_owned()).or_default();
        Ok(Self {
            records: report.records,
            skipped,
            late: late.count(),
            saved: database.saved(&options.topic)?,
            committed,
            end,
            lag: report.lag,
            seconds: report.duration.as_secs_f64(),
            delays: database.delays(&options.topic)?,
            database: database.path().to_owned(),
            late_topic: options.late_topic.clone(),
        })
    }

    /// Whether everything up to the end is done.
    pub fn is_complete(&self) -> bool {
        self.lag == Some(0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.delays(f)?;
        self.offsets(f)?;
        self.counts(f)
    }
}

/// The parts of the text.
impl Summary {
    fn delays(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = airlines();
        writeln!(f, "{:<32}{:>9}{:>12}{:>8}", "airline", "flights", "mean delay", "late")?;
        for CarrierDelay { carrier, flights, mean, late } in &self.delays {
            let name = names.get(carrier).unwrap_or(carrier);
            let mean = mean.map_or_else(|| "-".to_owned(), |minutes| format!("{minutes:.1} min"));
            let late = 100 * late / flights;
            writeln!(f, "{name:<32}{:>9}{mean:>12}{late:>6} %", HumanCount(u64::from(*flights)).to_string())?;
        }
        writeln!(f)
    }

    fn offsets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |offset: Option<i64>| offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
        writeln!(f, "{:<12}{:>12}{:>12}", "partition", "committed", "end")?;
        for (partition, committed) in &self.committed {
            let end = self.end.get(partition).copied().flatten();
            writeln!(f, "{partition:<12}{:>12}{:>12}", show(*committed), show(end))?;
        }
        match self.lag {
            Some(0) => writeln!(f, "lag 0: every record is done\n"),
            Some(lag) => writeln!(f, "lag {}\n", HumanCount(lag)),
            None => writeln!(f, "lag unknown: the broker did not say where the partitions end\n"),
        }
    }

    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[allow(clippy::cast_precision_loss)] // a rate is rounded anyway
        let rate = self.records as f64 / self.seconds.max(f64::MIN_POSITIVE);
        let count = |n: u64| HumanCount(n).to_string();
        writeln!(f, "{:>9} records in {:.2} s, {rate:.0} a second", count(self.records), self.seconds)?;
        for (reason, n) in &self.skipped {
            writeln!(f, "{:>9} skipped: {reason}", count(*n))?;
        }
        writeln!(f, "{:>9} late, sent to `{}`", count(self.late), self.late_topic)?;
        write!(f, "{:>9} saved in {}", count(self.saved), self.database.display())
    }
}

#[derive(Deserialize)]
struct Airline {
    carrier: String,
    name: String,
}

/// The airlines' names; a summary without them is better than none.
fn airlines() -> HashMap<String, String> {
    let airlines: Vec<Airline> = data::airlines().unwrap_or_default();
    airlines.into_iter().map(|airline| (airline.carrier, airline.name)).collect()
}
