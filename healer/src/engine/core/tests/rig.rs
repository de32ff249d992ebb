//! A core with a clock that stands still until it is told to go on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use healer_store::DoneAbove;

use crate::{
    broker::{CommitError, CommitErrorKind, ReadHeaders, RecordRef, TopicPartition},
    context::Context,
    engine::core::{Action, Assigned, Core, Event, Goal, Said, Settings, Start, decode_metadata},
    envelope::{Desk, Home, Outcome, Receipt, Settled, fingerprint},
    error::Error,
    journal::Scope,
    lane::{ChunkLog, Held, Memory, Obligation, Run, Visit},
    record::Headers,
};

pub(super) const INTERVAL: Duration = Duration::from_secs(10);
pub(super) const BUDGET: Duration = Duration::from_secs(5);
pub(super) const METADATA: usize = 92;
/// The lineage of the group's commits from before the test.
pub(super) const LINEAGE: u64 = 7;
pub(super) const STALL: Duration = Duration::from_mins(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MILLI: Duration = Duration::from_millis(1);

pub(super) fn just_before(time: Duration) -> Duration {
    time.saturating_sub(MILLI)
}

/// Whose commits they are.
pub(super) fn scope() -> Scope {
    Scope::new("cluster", "group", "pipeline")
}

/// The content of the text beside a commit for partition `slot`.
pub(super) fn said(text: &str, offset: i64, slot: u32) -> Option<Said> {
    let TopicPartition { topic, partition } = partition(slot);
    decode_metadata(text, offset, scope().mark(&topic, partition))
}

/// The claim in such a text.
pub(super) fn decode(text: &str, offset: i64, slot: u32) -> Option<DoneAbove> {
    said(text, offset, slot)?.claim
}

/// The lineage that begins with a generation.
pub(super) fn fresh(generation: u32) -> u64 {
    1_000 + u64::from(generation)
}

/// Partition `slot` of the one topic.
pub(super) fn partition(slot: u32) -> TopicPartition {
    in_topic("t", slot)
}

/// The same of another topic.
pub(super) fn in_topic(topic: &str, slot: u32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition: i32::try_from(slot).expect("small") }
}

fn assigned(slot: u32, home: Arc<Home>, start: Start) -> Assigned {
    let fresh = fresh(home.generation);
    Assigned { slot, home, start, fresh, state: Arc::default() }
}

/// A start that was read from the group, or at 0 where there is none.
pub(super) fn at(committed: Option<i64>) -> Start {
    Start { committed, lineage: committed.map(|_| LINEAGE), ..Start::at(committed.unwrap_or(0)) }
}

/// A run that is done.
pub(super) fn done(first: i64, end: i64) -> Run {
    Run { first, end, done: true }
}

/// A run that left for tasks.
pub(super) fn moved(first: i64, end: i64) -> Run {
    Run { first, end, done: false }
}

pub(super) fn log(runs: &[Run]) -> ChunkLog {
    let count = |run: &Run| u64::try_from(run.end - run.first).expect("ascends");
    let healed = runs.iter().filter(|run| run.done).map(count).sum();
    ChunkLog { runs: runs.to_vec(), healed, ..ChunkLog::default() }
}

/// The commit requests among actions, as slot and offset.
pub(super) fn commits(actions: &[Action]) -> Vec<Vec<(u32, i64)>> {
    let entries = actions.iter().filter_map(|action| match action {
        Action::Commit(entries) => Some(entries.iter().map(|entry| (entry.slot, entry.offset)).collect()),
        _ => None,
    });
    entries.collect()
}

/// An error that the broker never took back.
pub(super) fn some_error() -> Error {
    Error::Broker("the test says so".to_owned())
}

pub(super) struct Rig {
    pub(super) core: Core,
    pub(super) now: Duration,
    pub(super) desk: Arc<Desk>,
    homes: BTreeMap<(u32, u32), Arc<Home>>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with_goals(None, METADATA, u64::MAX)
    }

    /// A core whose records in flight may take so many bytes.
    pub(super) fn with_memory(budget: u64) -> Self {
        Self::with_goals(None, METADATA, budget)
    }

    /// A core of a pipeline whose nodes keep something.
    pub(super) fn that_saves_first() -> Self {
        Self::new().that_saves()
    }

    pub(super) fn that_saves(mut self) -> Self {
        self.core.settings.saves_first = true;
        self
    }

    /// A core whose commits may say so much.
    pub(super) fn with_room(metadata: usize) -> Self {
        Self::with_goals(None, metadata, u64::MAX)
    }

    /// A core that runs until these partitions have been committed up to their ends.
    pub(super) fn until(ends: &[(u32, i64, bool)]) -> Self {
        let goal =
            |&(slot, end, reached): &(u32, i64, bool)| (partition(slot), Goal { start: 0, end, reached });
        Self::with_goals(Some(ends.iter().map(goal).collect()), METADATA, u64::MAX)
    }

    fn with_goals(goals: Option<BTreeMap<TopicPartition, Goal>>, metadata: usize, memory: u64) -> Self {
        let settings = Settings {
            scope: scope(),
            commit_interval: INTERVAL,
            drain_budget: BUDGET,
            in_flight: 100,
            metadata_max_bytes: metadata,
            memory: Arc::new(Memory::new(memory, Held::default())),
            held_back_after: None,
            stall_after: STALL,
            saves_first: false,
        };
        let path = Arc::new(|node| Arc::from(format!("node {node}")));
        Self {
            core: Core::new(settings, goals, path, Duration::ZERO),
            now: Duration::ZERO,
            desk: Arc::default(),
            homes: BTreeMap::new(),
        }
    }

    pub(super) fn step(&mut self, event: Event<'_>) -> Vec<Action> {
        self.core.step(event, self.now)
    }

    pub(super) fn tick(&mut self) -> Vec<Action> {
        self.step(Event::Tick)
    }

    /// Lets time pass, and ticks once at its end.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.tick()
    }

    pub(super) fn assign(&mut self, slot: u32, generation: u32, start: Start) -> Vec<Action> {
        self.assign_in("t", slot, generation, start)
    }

    pub(super) fn assign_in(&mut self, topic: &str, slot: u32, generation: u32, start: Start) -> Vec<Action> {
        let home = Arc::new(Home::new(slot, generation, in_topic(topic, slot), Arc::clone(&self.desk)));
        self.homes.insert((slot, generation), Arc::clone(&home));
        self.step(Event::Assigned(vec![assigned(slot, home, start)]))
    }

    pub(super) fn restart(&mut self, slot: u32, generation: u32, start: Start) -> Vec<Action> {
        let home = Arc::new(Home::new(slot, generation, partition(slot), Arc::clone(&self.desk)));
        self.homes.insert((slot, generation), Arc::clone(&home));
        self.step(Event::Restarted(assigned(slot, home, start)))
    }

    pub(super) fn home(&self, slot: u32, generation: u32) -> &Arc<Home> {
        &self.homes[&(slot, generation)]
    }

    pub(super) fn chunk(&mut self, slot: u32, generation: u32, runs: &[Run]) -> Vec<Action> {
        let log = log(runs);
        self.step(Event::Chunk { slot, generation, log: &log, leader_epoch: None, delivered: false })
    }

    /// A chunk whose records the ledger knows already.
    pub(super) fn delivered_chunk(&mut self, slot: u32, generation: u32, runs: &[Run]) -> Vec<Action> {
        let log = log(runs);
        self.step(Event::Chunk { slot, generation, log: &log, leader_epoch: None, delivered: true })
    }

    pub(super) fn begin(&mut self, slot: u32, generation: u32, first: i64) -> bool {
        self.core.may_run((slot, generation), first, self.now)
    }

    pub(super) fn settle(
        &mut self,
        slot: u32,
        generation: u32,
        offset: i64,
        outcome: Outcome,
    ) -> Vec<Action> {
        self.step(Event::Settled(&[Settled { slot, generation, offset, outcome, charge: 0 }]))
    }

    pub(super) fn heal(&mut self, slot: u32, generation: u32, offset: i64) -> Vec<Action> {
        self.settle(slot, generation, offset, Outcome::Healed)
    }

    pub(super) fn acknowledge(&mut self) -> Vec<Action> {
        self.step(Event::Committed(Ok(())))
    }

    pub(super) fn refuse(&mut self, kind: CommitErrorKind) -> Vec<Action> {
        self.step(Event::Committed(Err(CommitError { kind, text: "refused".to_owned() })))
    }

    /// Hands the outcomes that came home since the last call to the core.
    pub(super) fn collect(&mut self) -> Vec<Action> {
        let mut settled = Vec::new();
        let failures = self.desk.collect(&mut settled);
        assert!(failures.is_empty(), "{failures:?}");
        self.step(Event::Settled(&settled))
    }

    pub(super) fn frontier(&self, slot: u32) -> i64 {
        self.core.part(slot).expect("it is assigned").ledger.frontier()
    }

    pub(super) fn committed(&self, slot: u32) -> Option<i64> {
        self.core.part(slot).expect("it is assigned").committed()
    }

    /// The receipt of a record that leaves for a task at `node`.
    pub(super) fn receipt(&self, slot: u32, generation: u32, offset: i64, node: u32) -> Receipt {
        self.receipt_of(slot, generation, offset, node, None)
    }

    /// The fingerprint of a record with this key.
    pub(super) fn fingerprint(key: &[u8]) -> u64 {
        let key = Some(key);
        fingerprint(&RecordRef {
            slot: 0,
            offset: 0,
            leader_epoch: None,
            timestamp: None,
            key,
            value: None,
            headers: &NoHeaders,
        })
    }

    /// The same for a record with a key.
    pub(super) fn receipt_of(
        &self,
        slot: u32,
        generation: u32,
        offset: i64,
        node: u32,
        key: Option<&[u8]>,
    ) -> Receipt {
        let home = self.home(slot, generation);
        let record = RecordRef {
            slot,
            offset,
            leader_epoch: None,
            timestamp: None,
            key,
            value: None,
            headers: &NoHeaders,
        };
        let mut context = Context::reusable(home.partition.topic.clone(), home.partition.partition);
        Visit::new(Obligation::Fresh { home, record: &record }, &mut context, 0).take(node)
    }
}

struct NoHeaders;

impl ReadHeaders for NoHeaders {
    fn read(&self, _: &mut Headers) {}
}
