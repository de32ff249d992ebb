//! The report of a simulation, and its failure.

use std::{env, fmt, time::Duration};

use super::{SEED, storm::Script, world::Ended};

/// The counts of a [`Simulation`](super::Simulation) in which no promise was broken; `to_string` makes a table of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationReport {
    /// How many seeds: worlds with a history of their own.
    pub seeds: u64,
    /// How many records ran through the pipeline, repeats included.
    pub records: u64,
    /// How many of them had been done before: a crash, a lost partition or a rewind makes records run again.
    pub repeats: u64,
    /// How many commits the broker took, one a partition.
    pub commits: u64,
    /// Virtual time in all.
    pub time: Duration,
}

impl SimulationReport {
    pub(super) fn add(&mut self, ended: &Ended) {
        self.seeds += 1;
        self.records += ended.runs;
        self.repeats += ended.repeats;
        self.commits += ended.commits as u64;
        self.time += ended.time;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.records += other.records;
        self.repeats += other.repeats;
        self.commits += other.commits;
        self.time += other.time;
    }
}

impl fmt::Display for SimulationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.repeats * 100 / self.records.max(1);
        writeln!(f, "no promise was broken")?;
        row(f, "seeds", &self.seeds.to_string())?;
        row(f, "records", &self.records.to_string())?;
        row(f, "repeats", &format!("{} ({percent}%)", self.repeats))?;
        row(f, "commits", &self.commits.to_string())?;
        write!(f, "  {:<9}{}, virtual", "time", duration(self.time))
    }
}

/// A promise that was broken, and how to see it again; `to_string`, and `{:?}` as well, tells it in words.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationFailure {
    /// The seed.
    pub seed: u64,
    /// Which promise.
    pub promise: String,
    /// The record or partition that was lost, doubled or blocked, where, and by which error; perhaps several lines.
    pub words: String,
    /// The shortest script that was found to break the same promise, a line an event. Processes are counted from 0.
    pub script: Vec<String>,
    /// How many events the storm had before it was shortened.
    pub events: usize,
    /// The command that replays it.
    pub replay: String,
}

impl SimulationFailure {
    pub(super) fn new(
        seed: u64,
        promise: &str,
        words: String,
        script: &Script,
        topics: &[(String, usize)],
    ) -> Self {
        let line = |(step, fault): &(u64, super::storm::Fault)| {
            format!("step {step:>5}: {}", fault.in_words(topics))
        };
        Self {
            seed,
            promise: promise.to_owned(),
            words,
            script: script.iter().map(line).collect(),
            events: script.len(),
            replay: String::new(),
        }
    }

    /// Says how to replay it, if that is the test's name.
    pub(super) fn replayed_by(mut self, test: &str) -> Self {
        // Cargo says whose tests it runs.
        let package = env::var("CARGO_PKG_NAME").map(|name| format!(" -p {name}")).unwrap_or_default();
        let test = if test == "main" { String::new() } else { format!(" {test} -- --exact --nocapture") };
        self.replay = format!("{SEED}={} cargo test{package}{test}", self.seed);
        self
    }
}

impl fmt::Display for SimulationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} breaks a promise", self.seed)?;
        row(f, "promise", &self.promise)?;
        row(f, "words", &self.words)?;
        let rest = if self.script.is_empty() { "no event is needed" } else { "the shortest that shows it:" };
        row(f, "script", &format!("{} of {} events, {rest}", self.script.len(), self.events))?;
        self.script.iter().try_for_each(|line| row(f, "", line))?;
        write!(f, "  {:<9}{}", "replay", self.replay)
    }
}

// A test that unwraps it shows the words.
impl fmt::Debug for SimulationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SimulationFailure {}

/// A row of a table; a text of several lines stays in its column.
fn row(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    let mut names = std::iter::once(name).chain(std::iter::repeat(""));
    text.lines().try_for_each(|line| writeln!(f, "  {:<9}{line}", names.next().unwrap_or_default()))
}

/// A time to be read: whole seconds, if there are any.
pub(super) fn duration(time: Duration) -> String {
    let whole = if time.as_secs() > 0 { Duration::from_secs(time.as_secs()) } else { time };
    humantime::format_duration(whole).to_string()
}
