//! A pipeline under storms, in virtual time: [`Simulation`].

mod cluster;
mod hold;
mod oracle;
mod passed;
mod plan;
mod process;
mod report;
mod runtime;
#[cfg(test)]
mod scenarios;
mod shrink;
mod store;
mod storm;
#[cfg(test)]
mod sum;
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
pub use passed::Passed;
pub use report::{SimulationFailure, SimulationReport};

use self::{
    plan::Plan,
    storm::{Script, Size},
    world::World,
};
use super::TestRecord;
use crate::{App, ConfigBuilder, broker::ReadHeaders, record::Headers};

/// The environment variable that replays one seed.
const SEED: &str = "HEALER_SIMULATION_SEED";

#[doc = include_str!("../../docs/simulation.md")]
#[must_use = "a simulation does nothing until it is run"]
pub struct Simulation<S = ()> {
    plan: Plan<S>,
    seeds: Range<u64>,
}

impl<S: 'static> Simulation<S> {
    /// A simulation of the pipeline that `build` makes, once for each start of a process.
    ///
    /// `shared` makes the state that outlives processes (a database, the state of other services), once for each run of a seed.
    pub fn new(
        shared: impl Fn() -> S + Send + Sync + 'static,
        build: impl Fn(&S) -> App + Send + Sync + 'static,
    ) -> Self {
        Self { plan: Plan::new(shared, build), seeds: 0..1_000 }
    }

    /// A topic that the pipeline reads, and its records, in the order in which they arrive, little by little.
    ///
    /// A record goes to the [`partition`](TestRecord::partition) that it names, else where its key belongs, else to one after
    /// the other. Its time is the one that it names, else later than that of the record before.
    ///
    /// # Panics
    /// If `partitions` is 0, a record names a partition that does not exist, or the topic was given before.
    pub fn topic<R: Into<TestRecord>>(
        mut self,
        name: &str,
        partitions: usize,
        records: impl IntoIterator<Item = R>,
    ) -> Self {
        self.plan.add_topic(name, partitions, records.into_iter().map(Into::into));
        self
    }

    /// A topic that a sink writes to; [`Passed::was_sent`] looks into it. It has two partitions.
    ///
    /// # Panics
    /// If the topic was given before.
    pub fn sink(mut self, name: &str) -> Self {
        self.plan.add_sink(name);
        self
    }

    /// How many processes of the service there are, all in one group. Default: 3.
    ///
    /// # Panics
    /// If it is 0.
    pub fn processes(mut self, processes: usize) -> Self {
        assert!(processes > 0, "a simulation needs a process at least");
        self.plan.processes = processes;
        self
    }

    /// How long the storm is, in steps: in each, one process does a little. Default: 1,000, some seconds of virtual time.
    pub fn steps(mut self, steps: u64) -> Self {
        self.plan.steps = steps;
        self
    }

    /// Changes settings of the pipeline, as `in_flight` or `drain_budget`, which are otherwise drawn from the seed. Brokers,
    /// group, protocol and store are the simulation's.
    pub fn config(mut self, change: impl Fn(ConfigBuilder) -> ConfigBuilder + Send + Sync + 'static) -> Self {
        self.plan.config = Box::new(change);
        self
    }

    /// Topics are only written to: no record is compacted, deleted, truncated or made anew, and nobody resets offsets.
    /// Rebalances, crashes, faults of disks, commits and sends, and an unreachable cluster still happen.
    pub fn append_only(mut self) -> Self {
        self.plan.changes_logs = false;
        self
    }

    /// Each disk is as it was when its process is started again.
    #[cfg(test)]
    fn disks_last(mut self) -> Self {
        self.plan.disks_last = true;
        self
    }

    /// Says whether a record's work is done, by a look at the shared state and at the records that were sent.
    ///
    /// Asked of every record when the group has committed past it, and once more at the end. It must be `true` of records that
    /// the pipeline skips. Without it only healer's own promises are checked.
    pub fn done_when(mut self, is_done: impl Fn(&S, &Passed<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.plan.is_done = Some(Box::new(is_done));
        self
    }

    /// Which seeds to run. Default: `0..1_000`. The environment variable `HEALER_SIMULATION_SEED` takes their place.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// Runs all seeds, on all cores. It blocks until they are done, and may be called within a tokio runtime.
    ///
    /// # Errors
    /// A promise that was broken, with the shortest script of events that shows it.
    ///
    /// # Panics
    /// If the simulation does not fit the pipeline: one has a topic that the other does not know, the pipeline cannot be built,
    /// there are no seeds, or `HEALER_SIMULATION_SEED` is no number. And where `shared`, `build` or `done_when` panic.
    pub fn run(&self) -> Result<SimulationReport, SimulationFailure>
    where
        S: Send + Sync,
    {
        let given = env::var(SEED).ok().map(|seed| match seed.parse::<u64>() {
            Ok(seed) => seed..seed.saturating_add(1),
            Err(error) => panic!("{SEED} is to be a seed, a number, and is {seed:?}: {error}"),
        });
        let seeds = given.unwrap_or_else(|| self.seeds.clone());
        assert!(!seeds.is_empty(), "a simulation without seeds shows nothing: `Simulation::seeds`");
        // The test harness names a test's thread after it.
        let test = thread::current().name().unwrap_or("main").to_owned();
        // Threads of their own: virtual time is a runtime, and the caller may be in another one.
        thread::scope(|scope| joined(scope.spawn(|| self.plan.check())));
        let (report, failure) = self.run_all(&seeds);
        match failure {
            None => Ok(report),
            Some((seed, script)) => {
                let shrink = || shrink::shrink(&self.plan, seed, script);
                let failure = thread::scope(|scope| joined(scope.spawn(shrink)));
                Err(failure.replayed_by(&test))
            }
        }
    }

    /// Runs all seeds until one fails.
    fn run_all(&self, seeds: &Range<u64>) -> (SimulationReport, Option<(u64, Script)>)
    where
        S: Send + Sync,
    {
        let (next, failed) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
        let all = Mutex::new((SimulationReport::default(), None::<(u64, Script)>));
        let work = || {
            let mut report = SimulationReport::default();
            while !failed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    break;
                }
                let script = storm::script(seed, self.size(), self.plan.changes_logs);
                let ended = World::run(&self.plan, seed, &script);
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
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().for_each(joined);
        });
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
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

/// The result of a thread, or its panic.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The model has no use for headers.
struct NoHeaders;

impl ReadHeaders for NoHeaders {
    fn read(&self, _: &mut Headers) {}
}
