//! A pipeline under storms, in virtual time: [`Simulation`].

mod cluster;
mod hold;
mod oracle;
mod process;
mod report;
mod runtime;
mod shrink;
mod store;
mod storm;
#[cfg(test)]
mod tests;
mod world;

use std::{
    env,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

pub use hold::{hold, is_calm};
pub use report::{SimulationFailure, SimulationReport};

use self::{
    cluster::Cluster,
    storm::{Script, Size},
    world::World,
};
use super::TestRecord;
use crate::{
    App, ConfigBuilder,
    broker::{BadHeaders, ReadHeaders},
    context::Headers,
};

/// The environment variable that replays one seed.
const SEED: &str = "HEALER_SIMULATION_SEED";

type Check<S> = dyn Fn(&S, &Passed<'_>) -> bool + Send + Sync;

/// What is simulated.
struct Plan<S> {
    shared: Box<dyn Fn() -> S + Send + Sync>,
    build: Box<dyn Fn(&S) -> App + Send + Sync>,
    config: Box<dyn Fn(ConfigBuilder) -> ConfigBuilder + Send + Sync>,
    topics: Vec<(String, usize)>,
    sinks: Vec<String>,
    records: Vec<(String, TestRecord)>,
    is_done: Option<Box<Check<S>>>,
    processes: usize,
    steps: u64,
    changes_logs: bool,
    /// One seed is replayed: its history is printed.
    told: AtomicBool,
}

/// A record that the group has committed past, as the user's check sees it.
pub struct Passed<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    cluster: &'a Cluster,
}

impl Passed<'_> {
    /// The topic that it was read from.
    pub fn topic(&self) -> &str {
        self.topic
    }

    /// Its partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Its key, if it has one.
    pub fn key(&self) -> Option<&[u8]> {
        self.key
    }

    /// Its value; a tombstone has none.
    pub fn value(&self) -> Option<&[u8]> {
        self.value
    }

    /// Whether a record with this value was written to a topic by a sink.
    pub fn was_sent(&self, topic: &str, value: &[u8]) -> bool {
        let holds =
            |log: &cluster::Log| log.records().any(|(_, record)| record.value.as_deref() == Some(value));
        (0..).map_while(|partition| self.cluster.log(topic, partition, holds)).any(|holds| holds)
    }
}

/// Runs a pipeline in virtual time, on a simulated Kafka, under storms: rebalances, crashes, frozen processes, commits that
/// fail, a cluster that goes away, disks that tear, logs that are compacted, truncated or made anew. After every step it
/// checks healer's promises, and the user's own.
///
/// A seed says what happens when; the same seed is the same history. Of a seed that breaks a promise the error tells in words
/// what was lost, doubled or blocked, the shortest script of events that shows it, and the command that replays it.
///
/// Stages may sleep with tokio's time, which is virtual here, and with [`hold`]; threads and sockets of their own make a run
/// depend on more than its seed. What survives crashes (a database) belongs into the state that all processes share.
pub struct Simulation<S = ()> {
    plan: Plan<S>,
    seeds: Range<u64>,
}

impl<S: 'static> Simulation<S> {
    /// A simulation of the pipeline that `build` makes, once for each start of a process. `shared` makes what outlives
    /// processes, once for each seed.
    pub fn new(
        shared: impl Fn() -> S + Send + Sync + 'static,
        build: impl Fn(&S) -> App + Send + Sync + 'static,
    ) -> Self {
        let plan = Plan {
            shared: Box::new(shared),
            build: Box::new(build),
            config: Box::new(|config| config),
            topics: Vec::new(),
            sinks: Vec::new(),
            records: Vec::new(),
            is_done: None,
            processes: 3,
            steps: 1_000,
            changes_logs: true,
            told: AtomicBool::new(false),
        };
        Self { plan, seeds: 0..1_000 }
    }

    /// A topic that the pipeline reads, and its records; they arrive little by little.
    ///
    /// # Panics
    /// If `partitions` is 0.
    pub fn topic<R: Into<TestRecord>>(
        mut self,
        name: &str,
        partitions: usize,
        records: impl IntoIterator<Item = R>,
    ) -> Self {
        assert!(partitions > 0, "a topic has a partition at least");
        self.plan.topics.push((name.to_owned(), partitions));
        self.plan.records.extend(records.into_iter().map(|record| (name.to_owned(), record.into())));
        self
    }

    /// A topic that a sink writes to.
    pub fn sink(mut self, name: &str) -> Self {
        self.plan.sinks.push(name.to_owned());
        self
    }

    /// How many processes of the service there are. Default: 3.
    ///
    /// # Panics
    /// If it is 0.
    pub fn processes(mut self, processes: usize) -> Self {
        assert!(processes > 0, "at least one process");
        self.plan.processes = processes;
        self
    }

    /// How long the storm is, in steps of one process each. Default: 1,000.
    pub fn steps(mut self, steps: u64) -> Self {
        self.plan.steps = steps;
        self
    }

    /// Changes settings of the pipeline. Brokers, group and store are the simulation's.
    pub fn config(mut self, change: impl Fn(ConfigBuilder) -> ConfigBuilder + Send + Sync + 'static) -> Self {
        self.plan.config = Box::new(change);
        self
    }

    /// Topics are only written to: no record is compacted, deleted, truncated or made anew, and nobody resets offsets.
    pub fn append_only(mut self) -> Self {
        self.plan.changes_logs = false;
        self
    }

    /// Says whether a record's work is done, by looking at what is shared: asked of every record when it is committed past.
    pub fn done_when(mut self, is_done: impl Fn(&S, &Passed<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.plan.is_done = Some(Box::new(is_done));
        self
    }

    /// Which seeds to run. Default: `0..1_000`. The environment variable `HEALER_SIMULATION_SEED` takes their place.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// Runs all seeds, on all cores.
    ///
    /// # Errors
    /// The first broken promise, with its shortest script.
    ///
    /// # Panics
    /// If a stage panics outside of what healer catches, or no topic was given.
    pub fn run(&self) -> Result<SimulationReport, SimulationFailure>
    where
        S: Send + Sync,
    {
        assert!(!self.plan.topics.is_empty(), "a simulation needs a topic: `Simulation::topic`");
        let given = env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seeds = given.map_or(self.seeds.clone(), |seed| seed..seed + 1);
        let (next, failed) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
        let all = Mutex::new((SimulationReport::default(), None::<(u64, Script)>));
        let plan = &self.plan;
        let work = || {
            let mut report = SimulationReport::default();
            while !failed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    break;
                }
                let script = storm::script(seed, self.size(), self.plan.changes_logs);
                let ended = World::run(plan, seed, &script);
                report.add(&ended);
                if ended.broken.is_some() {
                    failed.store(true, Ordering::Relaxed);
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.1.get_or_insert((seed, script));
                }
            }
            all.lock().unwrap_or_else(PoisonError::into_inner).0.merge(&report);
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            (0..threads).for_each(|_| drop(scope.spawn(work)));
        });
        let (report, failure) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failure {
            None => Ok(report),
            Some((seed, script)) => Err(shrink::shrink(&self.plan, seed, script)),
        }
    }

    fn size(&self) -> Size {
        Size {
            steps: self.plan.steps,
            seats: self.plan.processes,
            partitions: self.plan.topics.iter().map(|(_, partitions)| partitions).sum(),
            topics: self.plan.topics.len(),
            records: self.plan.records.len(),
        }
    }
}

/// The model has no use for headers.
struct NoHeaders;

impl ReadHeaders for NoHeaders {
    fn read(&self, _: &mut Headers) -> Result<(), BadHeaders> {
        Ok(())
    }
}
