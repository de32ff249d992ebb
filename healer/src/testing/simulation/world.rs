//! One seed: processes, cluster and model, driven step by step in virtual time.

mod words;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    Plan,
    cluster::{Cluster, Protocol, Rng, Settings},
    hold::{Time, set_calm},
    oracle::{Broken, Oracle, RecordId},
    process::{Place, Process},
    runtime::Clock,
    store::{Disk, DiskFate},
    storm::{Fault, Script},
};
use crate::{
    app::Error,
    broker::{RecordRef, TopicPartition},
    config::{Config, ConfigBuilder},
    context::Headers,
    envelope::fingerprint,
};

/// The group that all processes are members of.
pub(super) const GROUP: &str = "simulation";

/// How many rounds of calm a world has to come to rest.
const CALM: usize = 4_000;

/// What came of a seed.
pub(super) struct Ended {
    pub(super) broken: Option<Broken>,
    pub(super) runs: u64,
    pub(super) repeats: u64,
    pub(super) commits: usize,
    /// How long it was, in virtual time.
    pub(super) time: Duration,
}

/// A place that a process may run at: what survives it.
struct Seat {
    disk: Disk,
    process: Option<Rc<Process>>,
    frozen: bool,
    /// It is started again at that step.
    again: u64,
    /// The error that its last process ended with, or was not started for.
    error: Option<String>,
}

/// A partition as the model follows it.
#[derive(Clone, Copy, PartialEq)]
struct Checked {
    incarnation: usize,
    truncations: u32,
    /// Up to there all is done.
    offset: i64,
}

/// A runtime whose time passes when it is told to.
pub(super) fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads and sockets needs nothing of the system")
}

/// What every pipeline is simulated with.
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
    /// Offsets that were written anew below what was committed.
    unseen: BTreeMap<TopicPartition, Range<i64>>,
    history: usize,
    /// The process behind each client.
    numbers: BTreeMap<usize, usize>,
    started: usize,
    step: u64,
    calm: bool,
    /// Nothing is started any more.
    ending: bool,
    /// What was told of each process last.
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
        let seats = (0..plan.processes)
            .map(|_| Seat { disk: Disk::default(), process: None, frozen: false, again: 0, error: None })
            .collect();
        let budgets = [("250ms", 4), ("1s", 16), ("1s", 64)][rng.below(3)];
        let config = base_config()
            .commit_interval(["50ms", "250ms", "1s"][rng.below(3)])
            .drain_budget(budgets.0)
            .in_flight(budgets.1);
        let config = (plan.config)(config).build().expect("the settings of the simulation are right");
        let clock = Clock::default();
        Self {
            shared: (plan.shared)(),
            plan,
            time: Time { tokio: Rc::new(tokio), clock: clock.clone(), cluster: cluster.clone() },
            cluster,
            oracle: Oracle::new(clock),
            statics: rng.below(4) == 0,
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

    /// What happens, for whoever replays one seed.
    fn tell(&self, words: impl FnOnce() -> String) {
        if self.plan.told.load(Ordering::Relaxed) {
            println!("step {:>5} {:>10.3?}: {}", self.step, self.time.clock.now(), words());
        }
    }

    /// Tells what each process has now, where that changed.
    fn tell_shares(&mut self) {
        if !self.plan.told.load(Ordering::Relaxed) {
            return;
        }
        let mut shares = BTreeMap::new();
        for process in self.seats.iter().filter_map(|seat| seat.process.as_ref()) {
            let client: Vec<_> = self.cluster.owned(process.member).iter().map(ToString::to_string).collect();
            let status = process.handle.partitions();
            let engine: Vec<_> =
                status.iter().map(|s| format!("{}[{}] {:?}", s.topic, s.partition, s.state)).collect();
            let generation = self.cluster.generation(process.member);
            shares.insert(
                process.number,
                format!("generation {generation}, client {client:?}, engine {engine:?}"),
            );
        }
        for (number, share) in &shares {
            if self.shares.get(number) != Some(share) {
                self.tell(|| format!("  process {number}: {share}"));
            }
        }
        self.shares = shares;
    }

    fn next_step(&mut self) {
        self.step += 1;
    }

    fn pass(&self, time: Duration) {
        self.time.pass(time);
    }

    fn running(&self, seat: usize) -> Option<Rc<Process>> {
        let seat = &self.seats[seat];
        seat.process.clone().filter(|_| !seat.frozen)
    }

    /// Does something in a process. If user code holds it meanwhile, time passes and the others go on.
    fn with_hold(&self, process: &Rc<Process>, work: impl FnOnce(&Process)) {
        let others = (0..self.seats.len()).filter_map(|seat| self.running(seat)).collect();
        self.time.with(others, || work(process));
    }

    fn start_those_due(&mut self) {
        for at in 0..self.seats.len() {
            if !self.ending && self.seats[at].process.is_none() && self.seats[at].again <= self.step {
                self.start(at);
            }
        }
    }

    fn start(&mut self, at: usize) {
        self.started += 1;
        let app = (self.plan.build)(&self.shared).store(Arc::new(self.seats[at].disk.clone()));
        let built = match app.build(&self.config) {
            Ok(built) => built,
            Err(error) => {
                return self.oracle.breaks("the pipeline can be built", error.to_string());
            }
        };
        let instance = format!("seat-{at}");
        let place = Place {
            cluster: &self.cluster,
            clock: &self.time.clock,
            oracle: &self.oracle,
            group: GROUP,
            instance: self.statics.then_some(instance.as_str()),
            protocol: self.protocol,
        };
        let rng = Rc::new(RefCell::new(Rng::new(self.rng.next())));
        match Process::start(self.started, built, &place, &rng) {
            Ok(process) => {
                self.numbers.insert(process.member.0, process.number);
                self.seats[at].process = Some(Rc::new(process));
            }
            Err(error @ (Error::Engine(_) | Error::Build(_))) => {
                self.oracle.breaks("the engine does not fail", error.to_string());
            }
            // It is tried again, as an orchestrator would.
            Err(error) => {
                self.seats[at].again = self.step + 20;
                self.seats[at].error = Some(words::error(&error));
            }
        }
    }

    /// Clears away a process that has ended.
    fn look_at(&mut self, at: usize, process: &Rc<Process>) {
        let Some(result) = process.result() else { return };
        let left = process.runtime.tasks();
        self.seats[at].process = None;
        self.seats[at].again = self.step + if self.calm { 0 } else { 10 + self.rng.below(100) as u64 };
        if let Err(error) = &result {
            self.tell(|| format!("  process {} ends: {}", process.number, words::error(error)));
            self.seats[at].error = Some(words::error(error));
        }
        match result {
            Err(error @ Error::Engine(_)) => {
                self.oracle.breaks("the engine does not fail", error.to_string());
            }
            _ if left > 0 => {
                // Cancelled tasks end with their next turn.
                while process.work() {}
                let left = process.runtime.tasks();
                if left > 0 {
                    let words = format!("{left} tasks of process {} are left after its end", process.number);
                    self.oracle.breaks("memory is bounded", words);
                }
            }
            _ => {}
        }
        process.kill();
    }

    fn happen(&mut self, fault: &Fault) {
        self.tell(|| fault.in_words(&self.plan.topics));
        match fault {
            Fault::Produce(records) => self.produce(*records),
            Fault::Transaction { at, aborted: 0 } => {
                let partition = &self.partitions[*at];
                self.cluster.marker(&partition.topic, partition.partition);
            }
            Fault::Transaction { at, aborted } => {
                let partition = &self.partitions[*at];
                self.cluster.aborted(&partition.topic, partition.partition, *aborted);
            }
            Fault::Compact { at, every } => {
                let partition = &self.partitions[*at];
                self.cluster.compact(&partition.topic, partition.partition, |offset, _| offset % every == 0);
            }
            Fault::Delete { at, percent } => {
                let partition = self.partitions[*at].clone();
                let before = self.offset_at(&partition, *percent);
                self.cluster.delete_records(&partition.topic, partition.partition, before);
            }
            Fault::Truncate { at, records } => {
                let partition = self.partitions[*at].clone();
                let before = self.end(&partition);
                self.cluster.truncate(&partition.topic, partition.partition, (before - records).max(0));
                let end = self.end(&partition);
                // Whoever starts below finds the record there as it was, and cannot see that those above are new.
                let unseen = self.unseen.entry(partition.clone()).or_insert(end..before);
                *unseen = unseen.start.min(end)..unseen.end.max(before);
                self.oracle.replaced(&partition);
            }
            Fault::Recreate { topic } => {
                let (name, count) = &self.plan.topics[*topic];
                self.cluster.recreate_topic(name, *count);
                let all = self.partitions.iter().filter(|partition| *partition.topic == **name);
                for partition in all {
                    self.oracle.replaced(partition);
                    // Commits by name that were on their way count for the new one.
                    self.unseen.insert(partition.clone(), 0..0);
                }
            }
            Fault::Reset { at, percent } => {
                let partition = self.partitions[*at].clone();
                let offset = self.offset_at(&partition, *percent);
                let text = ["", "AAEC", "\u{1F980}", "h1:garbage"][self.rng.below(4)];
                self.was_reset.insert(partition.clone());
                self.cluster.reset(GROUP, &partition.topic, partition.partition, offset, text);
                self.oracle.disturbed(&partition);
            }
            Fault::Rebalance => self.cluster.rebalance(GROUP),
            Fault::Lose { seat } => {
                if let Some(process) = &self.seats[*seat].process {
                    self.cluster.lose(process.member);
                }
            }
            Fault::Commit { seat, fault } => {
                if let Some(process) = &self.seats[*seat].process {
                    self.cluster.fault(process.member, *fault);
                }
            }
            Fault::Down => self.cluster.down(true),
            Fault::Up => self.cluster.down(false),
            Fault::Kill { seat, disk } => self.kill(*seat, *disk),
            Fault::Stop { seat } => {
                if let Some(process) = &self.seats[*seat].process {
                    process.handle.stop();
                }
            }
            Fault::Freeze { seat } => {
                if let Some(process) = &self.seats[*seat].process {
                    self.cluster.freeze(process.member);
                    self.seats[*seat].frozen = true;
                }
            }
            Fault::Thaw { seat } => self.thaw(*seat),
            Fault::DiskFull { seat } => self.seats[*seat].disk.fail_once(),
            Fault::FailSends { records, written } => {
                self.cluster.fail_sends(*records, *written);
            }
            Fault::Stall(time) => self.pass(*time),
        }
    }

    fn thaw(&mut self, seat: usize) {
        if std::mem::take(&mut self.seats[seat].frozen)
            && let Some(process) = &self.seats[seat].process
        {
            self.cluster.thaw(process.member);
        }
    }

    fn kill(&mut self, at: usize, disk: DiskFate) {
        self.seats[at].frozen = false;
        if let Some(process) = self.seats[at].process.take() {
            process.kill();
            self.seats[at].disk.end(disk, &mut self.rng);
            self.seats[at].again = self.step + 5 + self.rng.below(100) as u64;
        }
    }

    fn end(&self, partition: &TopicPartition) -> i64 {
        self.cluster.log(&partition.topic, partition.partition, super::cluster::Log::end).unwrap_or(0)
    }

    fn offset_at(&self, partition: &TopicPartition, percent: i64) -> i64 {
        let (first, end) = self
            .cluster
            .log(&partition.topic, partition.partition, |log| (log.first, log.end()))
            .unwrap_or_default();
        first + (end - first) * percent / 100
    }

    /// Produces the next of the user's records, each with a time of its own.
    fn produce(&mut self, records: usize) {
        for _ in 0..records {
            let Some((topic, record)) = self.plan.records.get(self.next_record) else { return };
            let count =
                self.plan.topics.iter().find(|(name, _)| name == topic).map_or(1, |(_, count)| *count);
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let partition = record.partition.unwrap_or_else(|| match &record.key {
                Some(key) => crate::testing::partitioner::partition_of(key, count),
                None => i32::try_from(self.next_record).unwrap_or(0) % count,
            });
            let time = i64::try_from(self.next_record).unwrap_or(0) + 1_700_000_000_000;
            self.next_record += 1;
            let headers: Headers = record.headers.clone();
            self.cluster.produce_with(
                topic,
                partition,
                record.key.as_deref(),
                record.value.as_deref(),
                headers,
                Some(record.timestamp.unwrap_or(time)),
            );
        }
    }

    /// Checks the promises on what the broker took since the last look.
    fn check(&mut self) {
        self.tell_shares();
        for accepted in self.cluster.history(self.history) {
            self.history += 1;
            let name = self.cluster.name(accepted.partition);
            self.tell(|| {
                format!(
                    "  commit {name} {} by member {:?} {:?}",
                    accepted.offset, accepted.member, accepted.metadata
                )
            });
            let partition = name;
            let Some(member) = accepted.member else {
                // An admin: what it skipped is nobody's loss.
                self.checked.remove(&partition);
                let unseen = self.unseen.entry(partition.clone()).or_insert(0..accepted.offset);
                *unseen = 0..unseen.end.max(accepted.offset);
                continue;
            };
            if let Some(number) = self.numbers.get(&member).copied() {
                self.check_commit(number, &partition, &accepted);
            }
        }
        for partition in &self.partitions {
            let committed = self.cluster.committed(GROUP, &partition.topic, partition.partition);
            let log = self
                .cluster
                .log(&partition.topic, partition.partition, |log| log.first..=log.end())
                .unwrap_or(0..=0);
            // One that does not exist (any more) is followed by the policy for that.
            let offset = committed.map(|(offset, _)| offset).filter(|offset| log.contains(offset));
            self.oracle.committed(partition, offset);
        }
    }

    fn check_commit(
        &mut self,
        number: usize,
        partition: &TopicPartition,
        accepted: &super::cluster::Accepted,
    ) {
        let offset = accepted.offset;
        if !accepted.owned {
            let words = format!("process {number} committed {offset} for {partition}, which it does not own");
            return self.oracle.breaks("no zombie commits", words);
        }
        if !self.oracle.knows(number, partition, accepted.at) {
            self.checked.remove(partition);
            // Commits go by name: one for the log before counts for this one, and whoever reads this one hears nothing of it.
            self.was_reset.insert(partition.clone());
            if let Some(unseen) = self.unseen.get_mut(partition) {
                unseen.end = unseen.end.max(offset);
            }
            return;
        }
        let log = |log: &super::cluster::Log| (log.first, log.end(), log.truncations);
        let Some((first, end, truncations)) = self.cluster.log(&partition.topic, partition.partition, log)
        else {
            return;
        };
        let incarnation = accepted.partition.0;
        if self.cluster.incarnation(&partition.topic) != Some(incarnation)
            || truncations != accepted.truncations
        {
            return;
        }
        let old = self
            .checked
            .get(partition)
            .filter(|c| (c.incarnation, c.truncations) == (incarnation, truncations));
        let from = old.map_or(first, |checked| checked.offset.max(first));
        if let Some(old) = old
            && offset < old.offset.min(end)
            && old.offset <= end
            // Where nobody says which log was truncated all are read anew.
            && !self.oracle.is_misread()
        {
            let words = format!("process {number} committed {offset} for {partition} after {}", old.offset);
            self.oracle.breaks("a commit never goes back", words);
        }
        if offset > end {
            let words = format!("process {number} committed {offset} for {partition}, which ends at {end}");
            self.oracle.breaks("no commit is beyond what was read", words);
        }
        for (id, record) in self.records(partition, from, offset) {
            if self.unseen.get(partition).is_some_and(|unseen| unseen.contains(&id.1)) {
                continue;
            }
            if !self.oracle.is_done(&id, number) {
                let words = format!(
                    "process {number} committed {offset} for {partition}, but offset {} ({}) has no outcome",
                    id.1,
                    words::record(&record)
                );
                return self.oracle.breaks("no loss", words);
            }
            self.ask_user(&id, &record);
        }
        self.checked.insert(partition.clone(), Checked { incarnation, truncations, offset });
    }

    /// The records of a partition that are in the log now.
    fn records(
        &self,
        partition: &TopicPartition,
        from: i64,
        to: i64,
    ) -> Vec<(RecordId, Arc<super::cluster::Record>)> {
        let collect = |log: &super::cluster::Log| {
            let within = log.records().filter(|(offset, _)| (from..to).contains(offset));
            within.map(|(offset, record)| (offset, Arc::clone(record))).collect::<Vec<_>>()
        };
        let records = self.cluster.log(&partition.topic, partition.partition, collect).unwrap_or_default();
        let id = |offset, record: &super::cluster::Record| {
            let lent = RecordRef {
                slot: 0,
                offset,
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &super::NoHeaders,
            };
            (partition.clone(), offset, fingerprint(&lent))
        };
        records.into_iter().map(|(offset, record)| (id(offset, &record), record)).collect()
    }

    fn ask_user(&self, id: &RecordId, record: &super::cluster::Record) {
        let Some(is_done) = &self.plan.is_done else { return };
        let passed = super::Passed {
            topic: &id.0.topic,
            partition: id.0.partition,
            offset: id.1,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            cluster: &self.cluster,
        };
        if !is_done(&self.shared, &passed) {
            let words = format!(
                "{}@{} ({}) is committed, but its work is not done, says `done_when`",
                id.0,
                id.1,
                words::record(record)
            );
            self.oracle.breaks("no loss", words);
        }
    }

    /// Nothing goes wrong any more: all that is in the log must be done and committed.
    fn come_to_rest(&mut self) {
        if self.is_broken() {
            return;
        }
        self.calm = true;
        set_calm(true);
        self.cluster.down(false);
        self.cluster.tune(|settings| {
            (settings.request_faults, settings.commit_faults) = (0, 0);
            (settings.short_polls, settings.full_queues) = (0, 0);
        });
        (0..self.seats.len()).for_each(|seat| self.thaw(seat));
        self.produce(usize::MAX);
        for round in 0..CALM {
            self.calm_round();
            if self.is_broken() || (round % 8 == 7 && self.is_at_rest()) {
                return;
            }
        }
        let why = self.why_not_at_rest();
        self.oracle.breaks("it comes to rest", why);
    }

    fn calm_round(&mut self) {
        self.next_step();
        self.start_those_due();
        for at in 0..self.seats.len() {
            let Some(process) = self.running(at) else { continue };
            self.with_hold(&process, Process::turn);
            for _ in 0..1_000 {
                if process.runtime.waiting() == 0 {
                    break;
                }
                self.with_hold(&process, |process| {
                    process.work();
                });
            }
            self.cluster.acknowledge(1_000);
            self.look_at(at, &process);
        }
        self.pass(Duration::from_millis(50));
        self.check();
    }

    fn is_at_rest(&self) -> bool {
        self.cluster.is_settled()
            && self.partitions.iter().all(|partition| self.is_committed(partition))
            && self.seats.iter().filter_map(|seat| seat.process.as_ref()).all(|process| {
                let all = process.handle.partitions();
                all.iter().all(|status| status.pending == 0 && status.blocked.is_none())
            })
    }

    fn is_committed(&self, partition: &TopicPartition) -> bool {
        if self.was_reset.contains(partition) && self.is_done_for_its_owner(partition) {
            return true;
        }
        let committed = self.cluster.committed(GROUP, &partition.topic, partition.partition);
        let (first, end) = self
            .cluster
            .log(&partition.topic, partition.partition, |log| (log.first, log.end()))
            .unwrap_or_default();
        let offset = committed.map(|(offset, _)| offset);
        offset == Some(end) || (offset.is_none() && first == end)
    }

    /// Whoever has a partition need not hear of an admin who sets the group's offset meanwhile.
    fn is_done_for_its_owner(&self, partition: &TopicPartition) -> bool {
        let end = self.end(partition);
        let mut all = self.seats.iter().filter_map(|seat| seat.process.as_ref());
        all.any(|process| {
            process.handle.partitions().iter().any(|status| {
                (&status.topic, status.partition) == (&partition.topic, partition.partition)
                    && (status.frontier, status.pending) == (end, 0)
            })
        })
    }

    /// All are asked to end: they do, and leave nothing behind.
    fn stop_all(&mut self) {
        if self.is_broken() {
            return;
        }
        self.ending = true;
        let before = self.oracle.runs().1;
        for at in 0..self.seats.len() {
            if let Some(process) = self.running(at) {
                process.handle.stop();
            }
        }
        for _ in 0..400 {
            self.calm_round();
            if self.seats.iter().all(|seat| seat.process.is_none()) || self.is_broken() {
                break;
            }
        }
        if self.seats.iter().any(|seat| seat.process.is_some()) {
            self.oracle.breaks("a stop ends in time", "a process that was asked to end runs on".to_owned());
        }
        let after = self.oracle.runs().1;
        if after != before {
            self.oracle.breaks("a stop repeats nothing", format!("{} records ran again", after - before));
        }
        let lost = self.partitions.iter().flat_map(|partition| self.records(partition, 0, i64::MAX));
        for (id, record) in lost.collect::<Vec<_>>() {
            if self.checked.contains_key(&id.0)
                && self.checked[&id.0].offset > id.1
                && !self.oracle.was_done(&id)
            {
                // An admin may have set the offset past it.
                continue;
            }
            if self.oracle.was_done(&id) {
                self.ask_user(&id, &record);
            }
        }
    }
}
