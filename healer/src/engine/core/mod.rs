//! The engine's decisions, as a state machine: events in, actions out.
//!
//! It owns no thread, task, clock or random number, so that the code which decides in production can be driven in virtual
//! time as well. Running a chunk, committing, saving and closing are actions; their results come back as events.
//!
//! **Core and driver.** `Core::step(event, now) -> actions`. Committing, saving, closing lanes and releasing partitions are
//! actions, and their results are events. The core sits behind one mutex that is free while user code runs: a thread that runs a
//! chunk takes the partition out (`begin_run`) and brings it back (`Event::Chunk`). Meanwhile the partition does not count as
//! drained, no position of it is believed, outcomes that come home from the chunk wait for the chunk, and `partitions` names the
//! record that runs.

mod assign;
mod commit;
mod epoch;
mod memory;
mod metadata;
mod part;
mod pause;
mod records;
mod revoke;
mod run;
mod stall;
mod start;
mod status;
mod stop;
mod tally;
mod transaction;
mod until;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use commit::CommitHealth;
pub(crate) use metadata::{Said, decode as decode_metadata, is_of_a_pipeline};
pub(crate) use part::Part;
pub(crate) use pause::Rest;
pub(crate) use run::{Leave, Treatment};
pub(crate) use start::{Known, Older, Start, StartPolicy, decide};
pub use status::{Blocked, PartitionState, PartitionStatus, Stalled};
pub(crate) use tally::Tally;
pub use transaction::{HeldBack, HeldPartition};
pub(crate) use until::Goal;

use self::{commit::Commits, pause::Paused, revoke::Revoking, until::UntilEnd};
use crate::{
    broker::{CommitError, TopicPartition},
    envelope::{Home, Settled},
    error::Error,
    journal::Scope,
    lane::{ChunkLog, LaneState, Memory},
};

/// The settings that the core decides by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whose commits these are.
    pub(crate) scope: Scope,
    pub(crate) commit_interval: Duration,
    pub(crate) drain_budget: Duration,
    pub(crate) in_flight: u64,
    /// The most bytes of commit metadata; 0 for none.
    pub(crate) metadata_max_bytes: usize,
    pub(crate) memory: Arc<Memory>,
    /// How long an offset may block before that is logged.
    pub(crate) stall_after: Duration,
    /// How long a transaction may hold a partition back; `None`: as long as it takes.
    pub(crate) held_back_after: Option<Duration>,
    /// A node keeps something in the store: an offset is committed only when the store has all that its records left there.
    pub(crate) saves_first: bool,
}

/// An event that the core takes in.
pub(crate) enum Event<'a> {
    /// Partitions were assigned and their starts decided.
    Assigned(Vec<Assigned>),
    /// A partition goes on elsewhere in its log, as a new generation: the answer to [`Action::Rewind`], to an offset that is
    /// out of range and to a seek.
    Restarted(Assigned),
    /// A run of a partition is back, or was given up before its first record; see [`Core::begin_run`]. `delivered` says that the
    /// ledger knows its records already, `leader_epoch` is that of its last record.
    Chunk { slot: u32, generation: u32, log: &'a ChunkLog, leader_epoch: Option<i32>, delivered: bool },
    /// Outcomes came home from tasks.
    Settled(&'a [Settled]),
    /// A record or the broker failed for good.
    Failed(Error),
    /// The store has the save of this number.
    Saved(u64),
    /// The store failed for good.
    NotSaved(Error),
    /// Where the consumer is, for partitions of which nothing is buffered.
    Positions(&'a [(u32, i64)]),
    /// A commit request ended.
    Committed(Result<(), CommitError>),
    /// Partitions are to be given back.
    Revoked(Vec<TopicPartition>),
    /// Partitions are somebody else's already.
    Lost(Vec<TopicPartition>),
    /// The group's commits for partitions that are not this member's.
    GroupCommitted(BTreeMap<TopicPartition, i64>),
    /// The user wants it to end.
    Stop,
    /// Time has passed.
    Tick,
}

/// A partition with where it starts.
pub(crate) struct Assigned {
    pub(crate) slot: u32,
    pub(crate) home: Arc<Home>,
    pub(crate) start: Start,
    /// A number that nobody has: the lineage, where one begins here.
    pub(crate) fresh: u64,
    /// The memory of its nodes.
    pub(crate) state: Arc<LaneState>,
}

/// One entry of a commit request, as the core names partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitEntry {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) offset: i64,
    /// The lineage, and the offsets done above this one, for the next owner; empty where they have no room.
    pub(crate) metadata: String,
    /// How many offsets above this one are done.
    pub(crate) done_above: u64,
}

/// An action that the driver carries out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Commit; answer with `Event::Committed`. At most one request is under way.
    Commit(Vec<CommitEntry>),
    /// Save the ledgers of these slots, the checkpoints and the rows of nodes that changed. Where it has a number, a commit waits
    /// for the answer, `Event::Saved` or `Event::NotSaved`.
    Save { number: Option<u64>, slots: Vec<u32> },
    /// Give these lanes no more records; their tasks end when they have done the records that they hold.
    Close(Vec<u32>),
    /// Cancel the tasks that still run in these lanes, and forget the lanes.
    Abort(Vec<u32>),
    /// The log of a partition went back: its records from `offset` on are to be read anew, as a new generation. Answer with
    /// [`Event::Restarted`], unless the generation is over by then; meanwhile nothing of it runs and nothing is committed.
    Rewind { slot: u32, generation: u32, offset: i64 },
    /// Tell the broker that these partitions are given back.
    Release(Vec<TopicPartition>),
    /// Nothing more is expected (or something is again): nobody waits for company.
    Flush(bool),
    /// Ask for the group's committed offsets of these partitions; answer with `Event::GroupCommitted`.
    AskGroup(Vec<TopicPartition>),
    /// The end.
    Finish,
}

/// How far the pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// No more dispatch; records in flight may finish until then.
    Draining(Duration),
    /// The last commit is under way until then.
    LastCommit(Duration),
    Finished,
}

/// From this number on, partitions are many; with fewer, each event looks at all of them.
const MANY: usize = 16;

/// How long nobody looks at all of them while records flow, for each so many.
const ROUND: Duration = Duration::from_micros(100);

/// The state machine.
pub(crate) struct Core {
    settings: Settings,
    parts: BTreeMap<u32, Part>,
    phase: Phase,
    commits: Commits,
    revoking: Vec<Revoking>,
    /// The partitions that a fenced commit took away, and when: a rebalance must decide about them.
    orphans: BTreeMap<TopicPartition, Duration>,
    until: Option<UntilEnd>,
    paused: Paused,
    /// Since when something was taken in that is not committed, and nothing was.
    behind: Option<Duration>,
    pub(crate) tally: Tally,
    pub(crate) failure: Option<Error>,
    /// The acknowledged offsets, also of partitions that are gone and so have no status any more.
    pub(crate) acknowledged: BTreeMap<TopicPartition, i64>,
    /// Acknowledged since somebody asked last.
    news: Vec<(TopicPartition, i64)>,
    flushed: bool,
    /// The bytes of all records in flight.
    in_flight_bytes: u64,
    /// When frequent events look at all partitions again; until then each looks only at its own.
    next_round: Duration,
    /// Whether something came since that is not looked at in full.
    owes_round: bool,
    /// Names nodes.
    path: Paths,
}

/// Names nodes by number.
pub(crate) type Paths = Arc<dyn Fn(u32) -> Arc<str> + Send + Sync>;

impl Core {
    pub(crate) fn new(
        settings: Settings,
        ends: Option<BTreeMap<TopicPartition, Goal>>,
        path: Paths,
        now: Duration,
    ) -> Self {
        Self {
            commits: Commits::new(settings.commit_interval, now),
            settings,
            parts: BTreeMap::new(),
            phase: Phase::Running,
            revoking: Vec::new(),
            orphans: BTreeMap::new(),
            until: ends.map(UntilEnd::new),
            paused: Paused::default(),
            behind: None,
            tally: Tally::default(),
            failure: None,
            acknowledged: BTreeMap::new(),
            news: Vec::new(),
            flushed: false,
            in_flight_bytes: 0,
            next_round: Duration::ZERO,
            owes_round: false,
            path,
        }
    }

    /// Takes an event in and returns the actions that follow from it.
    pub(crate) fn step(&mut self, event: Event<'_>, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_frequent = matches!(event, Event::Chunk { .. } | Event::Settled(_) | Event::Tick);
        match event {
            Event::Assigned(partitions) => self.assigned(partitions),
            Event::Restarted(partition) => self.restarted(partition, &mut actions),
            Event::Chunk { slot, generation, log, leader_epoch, delivered } => {
                self.chunk((slot, generation), log, leader_epoch, delivered, now);
            }
            Event::Settled(settled) => self.settled(settled, now),
            Event::Failed(error) => self.fail(error, now, &mut actions),
            Event::Saved(number) => self.saved(number, &mut actions),
            Event::NotSaved(error) => self.not_saved(error, now, &mut actions),
            Event::Positions(positions) => self.positions(positions),
            Event::Committed(result) => self.committed(result, now, &mut actions),
            Event::Revoked(partitions) => self.revoked(partitions, now, &mut actions),
            Event::Lost(partitions) => self.lost(&partitions, &mut actions),
            Event::GroupCommitted(offsets) => self.group_committed(&offsets),
            Event::Stop => self.stop(now, &mut actions),
            Event::Tick => {}
        }
        // The partition that it was about was looked at. To look at all of them each time would make many partitions dear.
        let calm = is_frequent && self.is_running() && self.revoking.is_empty();
        self.owes_round = calm && now < self.next_round;
        if !self.owes_round {
            self.next_round = now + ROUND * u32::try_from(self.parts.len() / MANY).unwrap_or(u32::MAX);
            self.advance(now, &mut actions);
        }
        actions
    }

    /// Takes the steps that time and progress make due.
    fn advance(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.look(now);
        self.advance_revokes(now, actions);
        match self.phase {
            Phase::Running => {
                self.find_lost(now, actions);
                self.find_orphan(now, actions);
                self.ask_rewinds(actions);
                self.advance_until_end(now, actions);
                self.commit_if_due(now, actions);
            }
            Phase::Draining(_) | Phase::LastCommit(_) => self.advance_stop(now, actions),
            Phase::Finished => {}
        }
    }

    /// How many more records of a slot may leave for tasks.
    pub(crate) fn credit(&self, slot: u32) -> u64 {
        let open = self.phase == Phase::Running;
        let takes = |part: &&Part| {
            let rests = part.paused || part.throttled || part.home.is_held();
            open && part.is_open() && !part.is_out() && !rests && self.settings.memory.room(part.charge()) > 0
        };
        let part = self.parts.get(&slot).filter(takes);
        part.map_or(0, |part| self.settings.in_flight.saturating_sub(part.ledger.pending()))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// Whether something is in flight, so that outcomes are to be expected, or is to be looked at soon.
    pub(crate) fn is_busy(&self) -> bool {
        self.owes_round || self.commits.is_under_way() || self.parts.values().any(Part::is_busy)
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.values()
    }

    /// The partitions of this member.
    pub(crate) fn partitions(&self) -> Vec<TopicPartition> {
        self.parts.values().map(|part| part.home.partition.clone()).collect()
    }

    pub(crate) fn part(&self, slot: u32) -> Option<&Part> {
        self.parts.get(&slot)
    }

    /// A partition by its name.
    pub(crate) fn part_of(&self, partition: &TopicPartition) -> Option<&Part> {
        self.parts.values().find(|part| part.home.partition == *partition)
    }

    /// Commits that were acknowledged since the last call, oldest first.
    pub(crate) fn take_news(&mut self) -> Vec<(TopicPartition, i64)> {
        std::mem::take(&mut self.news)
    }
}

#[cfg(test)]
mod tests;
