//! One seed: processes, cluster and model, driven step by step in virtual time.
//!
//! **Two worlds.** `testing/simulation` plays the same `PollLoop`, `Station` and keeper over `cluster`, a Kafka in virtual time,
//! with one seeded order of rounds, tasks, commits, writes and faults. `oracle` watches the records that chains are lent and the
//! outcomes that come home, and `world` the data that the broker takes; neither asks ledger or core. A process may know of a
//! partition only its state at the time of the look-up. A failing seed is shortened by leaving events out (`shrink`).

mod check;
mod faults;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod play;
mod rest;
mod seats;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use self::{check::Checked, seats::Seat};
#[cfg(test)]
pub(super) use self::{ground::Ground, play::Play};
use super::{
    Plan,
    cluster::{Cluster, Protocol, Rng, Settings},
    hold::{Time, set_calm},
    oracle::{Broken, Oracle},
    process::Process,
    runtime::Clock,
    storm::Script,
};
use crate::{
    broker::TopicPartition,
    config::{Config, ConfigBuilder},
};

/// The group that all processes are members of.
pub(super) const GROUP: &str = "simulation";

/// How many rounds of calm a world has to come to rest.
const CALM: usize = 4_000;

/// The result of a seed.
pub(super) struct Ended {
    pub(super) broken: Option<Broken>,
    pub(super) runs: u64,
    pub(super) repeats: u64,
    pub(super) commits: usize,
    /// How long it was, in virtual time.
    pub(super) time: Duration,
}

/// A runtime whose time passes when it is told to.
pub(super) fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads and sockets needs nothing of the system")
}

/// The settings that every pipeline is simulated with.
pub(super) fn base_config() -> ConfigBuilder {
    Config::builder().brokers("simulated:9092").group(GROUP).out_of_range(crate::OutOfRange::Earliest)
}

pub(super) struct World<'a, S> {
    plan: &'a Plan<S>,
    shared: S,
    time: Time,
    cluster: Cluster,
    oracle: Oracle,
    rng: Rng,
    seats: Vec<Seat>,
    protocol: Protocol,
    statics: bool,
    config: Config,
    partitions: Vec<TopicPartition>,
    next_record: usize,
    checked: BTreeMap<TopicPartition, Checked>,
    /// Somebody set the group's offset.
    was_reset: BTreeSet<TopicPartition>,
    /// Offsets below a commit that an admin set, or that was for an earlier log: records there need not be done.
    unseen: BTreeMap<TopicPartition, Range<i64>>,
    history: usize,
    /// The process behind each client.
    numbers: BTreeMap<usize, usize>,
    started: usize,
    step: u64,
    calm: bool,
    /// Nothing is started any more.
    ending: bool,
    /// The line that was told of each process last.
    shares: BTreeMap<usize, String>,
}

impl<'a, S: 'a> World<'a, S> {
    pub(super) fn run(plan: &'a Plan<S>, seed: u64, script: &Script) -> Ended {
        let tokio = virtual_time();
        let handle = tokio.handle().clone();
        let _entered = handle.enter();
        set_calm(false);
        let mut world = Self::new(plan, seed, tokio);
        world.storm(script);
        world.come_to_rest();
        world.stop_all();
        let (runs, repeats) = world.oracle.runs();
        let ended = Ended {
            broken: world.oracle.broken(),
            runs,
            repeats,
            commits: world.history,
            time: world.time.clock.now(),
        };
        for seat in &mut world.seats {
            if let Some(process) = seat.process.take() {
                process.kill();
            }
        }
        ended
    }

    fn new(plan: &'a Plan<S>, seed: u64, tokio: tokio::runtime::Runtime) -> Self {
        let mut rng = Rng::new(seed);
        let settings = Settings {
            session_timeout: Duration::from_secs(6),
            heartbeat: Duration::from_secs(1),
            max_poll_interval: Duration::from_secs(20),
            latency: Duration::from_millis([0, 20, 200][rng.below(3)]),
            prefetch: [1, 4, 64][rng.below(3)],
            request_faults: [0, 0, 20][rng.below(3)],
            commit_faults: [0, 0, 100][rng.below(3)],
            short_polls: [0, 200][rng.below(2)],
            full_queues: [0, 100][rng.below(2)],
            ..Settings::default()
        };
        let protocol = [Protocol::Cooperative, Protocol::Consumer, Protocol::Eager][rng.below(3)];
        let cluster = Cluster::new(rng.next(), settings);
        let mut partitions = Vec::new();
        for (topic, count) in &plan.topics {
            cluster.create_topic(topic, *count);
            let name: Arc<str> = topic.as_str().into();
            for partition in 0..i32::try_from(*count).unwrap_or(i32::MAX) {
                partitions.push(TopicPartition { topic: Arc::clone(&name), partition });
            }
        }
        for topic in &plan.sinks {
            cluster.create_topic(topic, 2);
        }
        // Drain budget, records in flight, and bytes: a few records, some, all.
        let budgets = [("250ms", 4, 1_500), ("1s", 16, 6_000), ("1s", 64, 64 << 20)][rng.below(3)];
        let config = base_config()
            .commit_interval(["50ms", "250ms", "1s"][rng.below(3)])
            .drain_budget(budgets.0)
            .in_flight(plan.in_flight(budgets.1))
            .memory_budget(budgets.2);
        let config = (plan.config)(config).build().expect("the settings of the simulation are right");
        let clock = Clock::default();
        let statics = rng.below(4) == 0;
        let instance = |seat| statics.then(|| format!("seat-{seat}"));
        let seats = (0..plan.processes).map(|seat| Seat::new(instance(seat))).collect();
        Self {
            shared: (plan.shared)(),
            plan,
            time: Time { tokio: Rc::new(tokio), clock: clock.clone(), cluster: cluster.clone() },
            cluster,
            oracle: Oracle::new(clock, config.in_flight(), config.memory_budget()),
            statics,
            rng,
            seats,
            protocol,
            config,
            partitions,
            next_record: 0,
            checked: BTreeMap::new(),
            was_reset: BTreeSet::new(),
            unseen: BTreeMap::new(),
            history: 0,
            numbers: BTreeMap::new(),
            started: 0,
            step: 0,
            calm: false,
            ending: false,
            shares: BTreeMap::new(),
        }
    }

    fn is_broken(&self) -> bool {
        self.oracle.broken().is_some()
    }

    fn storm(&mut self, script: &Script) {
        self.tell(|| format!("the {:?} protocol, static members: {}", self.protocol, self.statics));
        self.produce(self.plan.records.len() / 5);
        let mut events = script.iter().peekable();
        while self.step < self.plan.steps && !self.is_broken() {
            while let Some((_, fault)) = events.next_if(|(at, _)| *at <= self.step) {
                self.happen(fault);
            }
            self.one_step();
        }
    }

    /// Something happens somewhere, and a little time passes.
    fn one_step(&mut self) {
        self.next_step();
        self.start_those_due();
        let seat = self.rng.below(self.seats.len());
        let turn = self.rng.chance(400);
        if let Some(process) = self.running(seat) {
            if turn {
                self.with_hold(&process, Process::turn);
            } else {
                for _ in 0..=self.rng.below(6) {
                    self.with_hold(&process, |process| {
                        process.work();
                    });
                }
            }
            self.look_at(seat, &process);
        }
        if self.rng.chance(500) {
            self.cluster.acknowledge_any();
        }
        let millis = match self.rng.below(1000) {
            0..700 => self.rng.below(3),
            700..985 => self.rng.below(40),
            985..998 => self.rng.below(400),
            _ => self.rng.below(3_000),
        };
        self.pass(Duration::from_millis(millis as u64));
        self.check();
    }

    fn next_step(&mut self) {
        self.step += 1;
    }

    fn pass(&self, time: Duration) {
        self.time.pass(time);
    }
}
