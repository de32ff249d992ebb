//! What a simulation tells.

use std::{fmt, time::Duration};

use super::{SEED, storm::Script, world::Ended};

/// What was run without a promise being broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationReport {
    /// How many seeds.
    pub seeds: u64,
    /// How many records ran through the pipeline, repeats included.
    pub records: u64,
    /// How many of them had been done before: what a crash, a lost partition or a rewind makes run again.
    pub repeats: u64,
    /// How many commits the broker took.
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

/// A promise that was broken, and how to see it again.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimulationFailure {
    /// The seed.
    pub seed: u64,
    /// Which promise.
    pub promise: String,
    /// What was lost, doubled or blocked.
    pub words: String,
    /// The shortest script that was found to break the same promise, a line an event.
    pub script: Vec<String>,
    /// The command that replays it.
    pub replay: String,
}

impl SimulationFailure {
    pub(super) fn new(seed: u64, promise: &str, words: String, script: &Script) -> Self {
        // The test harness names a test's thread after it.
        let name = std::thread::current().name().unwrap_or("main").to_owned();
        let test = if name == "main" { String::new() } else { format!(" {name} -- --exact --nocapture") };
        Self {
            seed,
            promise: promise.to_owned(),
            words,
            script: script.iter().map(|(step, fault)| format!("step {step:>5}: {fault}")).collect(),
            replay: format!("{SEED}={seed} cargo test{test}"),
        }
    }
}

impl fmt::Display for SimulationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} breaks a promise, \"{}\": {}", self.seed, self.promise, self.words)?;
        writeln!(f, "the shortest script that shows it:")?;
        for line in &self.script {
            writeln!(f, "  {line}")?;
        }
        write!(f, "replay it with\n  {}", self.replay)
    }
}

// A test that unwraps it shows the words.
impl fmt::Debug for SimulationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SimulationFailure {}
