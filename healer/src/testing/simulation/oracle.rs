//! The promises, checked by a naive model that shares no code with ledger and core, but for the reading of a commit's text: it looks at
//! the records that ran, at the outcomes of the envelopes, and at the commits that the broker took.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use healer_store::Run;

use super::{
    cluster::{Learned, Listener},
    runtime::Clock,
};
use crate::{
    broker::{RecordRef, TopicPartition, Watermarks},
    engine::decode_metadata,
    envelope::{Home, Outcome, Settled, fingerprint},
    journal::Scope,
    lane::{ChunkLog, Credit, Entry, EntryLane, Host},
};

/// A record by partition, offset and fingerprint. Another record at the same offset has another id.
pub(super) type RecordId = (TopicPartition, i64, u64);

/// Which promise was broken, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The kind of the break; a shorter script must show the same kind.
    pub(super) promise: &'static str,
    pub(super) words: String,
}

/// A partition's lane in one process.
struct Lane {
    /// The committed offset when the lane was opened: records below are done for good.
    floor: i64,
    /// So are these, said the commit.
    covered: Vec<Run>,
    /// Records that left for tasks.
    away: HashMap<i64, RecordId>,
    /// The charges of those.
    bytes: HashMap<i64, u64>,
    /// Outcomes that were home before the chunk they left was.
    early: HashSet<i64>,
    /// Records that ran.
    ran: HashSet<(i64, u64)>,
}

/// The tick at which a record was done first, and all processes that had it done.
#[derive(Default)]
struct Done {
    first: u64,
    by: Vec<usize>,
}

/// The last look-up of a partition by a process: its time, and the commit that it found. The process hears of no later change.
struct Look {
    tick: u64,
    at: Duration,
    /// The committed offset, and the runs that its claim says are done above it.
    committed: Option<(i64, Vec<Run>)>,
}

#[derive(Clone, Copy)]
struct Opened {
    at: Duration,
    looked: Duration,
}

#[derive(Default)]
struct State {
    /// Counts events, so that their order is known.
    now: u64,
    done: HashMap<RecordId, Done>,
    lanes: HashMap<(usize, u32, u32), Lane>,
    /// The look-up for a partition that a process may open next.
    looks: HashMap<(usize, TopicPartition), Look>,
    /// The tick of the look-up with which a process opened a partition last.
    opened: HashMap<(usize, TopicPartition), u64>,
    /// The times of these openings, each with the time of its look-up.
    opened_at: HashMap<(usize, TopicPartition), Vec<Opened>>,
    /// Partitions that lost records: the record that proves a claim may be among them.
    thinned: HashSet<TopicPartition>,
    /// When the log of a partition was put in another's place.
    replaced: HashMap<TopicPartition, Duration>,
    /// Some log is another one: a process that reads it goes by the policy, and nothing says which log it was.
    misread: bool,
    /// Partitions whose committed records may be processed again: somebody else set the commit, or the log is another one.
    unsure: HashSet<TopicPartition>,
    broken: Option<Broken>,
    runs: u64,
    repeats: u64,
}

/// The knowledge of the model; clones are the same one.
#[derive(Clone)]
pub(super) struct Oracle {
    clock: Clock,
    /// How many records of a partition may be away at once.
    in_flight: usize,
    /// The bytes that all records of a process may take.
    budget: u64,
    state: Arc<Mutex<State>>,
}

impl Oracle {
    pub(super) fn new(clock: Clock, in_flight: usize, budget: u64) -> Self {
        Self { clock, in_flight, budget, state: Arc::default() }
    }

    /// Whether a log was put in another's place in this world.
    pub(super) fn is_misread(&self) -> bool {
        self.lock().misread
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn broken(&self) -> Option<Broken> {
        self.lock().broken.clone()
    }

    pub(super) fn breaks(&self, promise: &'static str, words: String) {
        self.lock().broken.get_or_insert(Broken { promise, words });
    }

    /// Records of a partition are gone, for any reason but a log that ends earlier.
    pub(super) fn thinned(&self, partition: &TopicPartition) {
        self.lock().thinned.insert(partition.clone());
    }

    /// Something happened that lets records of a partition be processed again though they were committed.
    pub(super) fn disturbed(&self, partition: &TopicPartition) {
        let mut state = self.lock();
        state.unsure.insert(partition.clone());
        for lane in state.lanes.values_mut() {
            lane.floor = i64::MIN;
            lane.covered.clear();
        }
    }

    /// The log of a partition is another one: a process's knowledge of it from before does not count.
    pub(super) fn replaced(&self, partition: &TopicPartition) {
        self.disturbed(partition);
        let mut state = self.lock();
        state.replaced.insert(partition.clone(), self.clock.now());
        state.misread = true;
    }

    /// Whether a process's last opening of the partition before that time came of a look-up after the log was put in another's
    /// place. Its commits between a look-up and the opening are still for the opening before.
    pub(super) fn knows(&self, process: usize, partition: &TopicPartition, at: Duration) -> bool {
        let state = self.lock();
        let opened = state.opened_at.get(&(process, partition.clone())).into_iter().flatten();
        let last = opened.rev().find(|opened| opened.at < at);
        state.replaced.get(partition).is_none_or(|replaced| last.is_some_and(|last| last.looked > *replaced))
    }

    /// Whether a process may commit past a record: it had it done itself, or somebody else before it took the partition.
    pub(super) fn is_done(&self, id: &RecordId, process: usize) -> bool {
        let state = self.lock();
        let Some(done) = state.done.get(id) else { return false };
        let opened = state.opened.get(&(process, id.0.clone())).copied().unwrap_or(0);
        done.by.contains(&process) || done.first < opened
    }

    /// Whether anybody had it done.
    pub(super) fn was_done(&self, id: &RecordId) -> bool {
        self.lock().done.contains_key(id)
    }

    /// How many records ran, and how many of these runs were repeats.
    pub(super) fn runs(&self) -> (u64, u64) {
        let state = self.lock();
        (state.runs, state.repeats)
    }

    /// An outcome that came home to a process from its tasks.
    pub(super) fn settled(&self, process: usize, settled: &Settled) {
        if settled.outcome == Outcome::Returned {
            return;
        }
        let mut state = self.lock();
        let lane = state.lanes.get_mut(&(process, settled.slot, settled.generation));
        let Some(lane) = lane else { return };
        match lane.away.remove(&settled.offset) {
            Some(id) => state.finish(id, process),
            None => drop(lane.early.insert(settled.offset)),
        }
    }

    /// Hears of a process's look-ups.
    pub(super) fn look_ups(&self, process: usize, scope: Scope) -> Listener {
        let oracle = self.clone();
        Arc::new(move |partition, learned| {
            let mut state = oracle.lock();
            let (tick, at) = (state.tick(), oracle.clock.now());
            let look =
                state.looks.entry((process, partition.clone())).or_insert(Look { tick, at, committed: None });
            (look.tick, look.at) = (tick, at);
            match learned {
                Learned::Committed(committed) => {
                    let mark = scope.mark(&partition.topic, partition.partition);
                    let claimed = |text: &str, offset| decode_metadata(text, offset, mark)?.claim;
                    look.committed = committed.map(|(offset, text)| {
                        (offset, claimed(&text, offset).map(|claim| claim.runs).unwrap_or_default())
                    });
                }
                // The policy replaces an offset that does not exist (any more), and its claim. A claim beyond the end is ignored.
                Learned::Watermarks(Watermarks { first, end, .. }) => {
                    let exists = |(offset, _): &(i64, _)| (first..=end).contains(offset);
                    look.committed = look.committed.take().filter(exists);
                    if let Some((_, runs)) = &mut look.committed
                        && runs.last().is_some_and(|run| run.end > end)
                    {
                        runs.clear();
                    }
                }
            }
        })
    }

    /// Wraps a source's chain, so that the model sees the records that run through it.
    pub(super) fn watch(&self, process: usize, entry: Arc<dyn Entry>) -> Arc<dyn Entry> {
        Arc::new(Watched { oracle: self.clone(), process, entry })
    }
}

impl State {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn finish(&mut self, id: RecordId, process: usize) {
        let first = self.tick();
        let done = self.done.entry(id).or_insert_with(|| Done { first, by: Vec::new() });
        if !done.by.contains(&process) {
            done.by.push(process);
        }
    }

    fn begin(&mut self, lane: (usize, u32, u32), partition: &TopicPartition, id: (i64, u64)) {
        self.runs += 1;
        if self.done.contains_key(&(partition.clone(), id.0, id.1)) {
            self.repeats += 1;
        }
        let is_thinned = self.thinned.contains(partition);
        let Some(of) = self.lanes.get_mut(&lane) else { return };
        let is_covered = !is_thinned && of.covered.iter().any(|run| run.contains(id.0));
        let words = if !of.ran.insert(id) {
            format!("{partition}@{} was processed twice in one assignment of process {}", id.0, lane.0)
        } else if id.0 < of.floor {
            let floor = of.floor;
            format!(
                "{partition}@{} was processed by process {} though {floor} was committed when it took the partition",
                id.0, lane.0
            )
        } else if is_covered {
            format!(
                "{partition}@{} was processed by process {} though the commit said that it was done when it took the partition",
                id.0, lane.0
            )
        } else {
            return;
        };
        self.broken.get_or_insert(Broken { promise: "nothing that is committed is processed again", words });
    }
}

struct Watched {
    oracle: Oracle,
    process: usize,
    entry: Arc<dyn Entry>,
}

impl Entry for Watched {
    fn open(&self, host: &Host, home: Arc<Home>) -> Box<dyn EntryLane> {
        let key = (self.process, home.slot, home.generation);
        let mut state = self.oracle.lock();
        let lane = (self.process, home.partition.clone());
        // The look-up was made earlier. A partition that is read anew because its own records went back was not looked up.
        let look = state.looks.remove(&lane);
        let sure = !state.misread && !state.unsure.contains(&home.partition);
        if sure && look.is_none() {
            let words = format!(
                "process {} reads {} anew, though its log never went back",
                self.process, home.partition
            );
            state.broken.get_or_insert(Broken { promise: "records come in order", words });
        }
        let look =
            look.unwrap_or_else(|| Look { tick: state.tick(), at: self.oracle.clock.now(), committed: None });
        let (floor, mut covered) = look.committed.filter(|_| sure).unwrap_or((i64::MIN, Vec::new()));
        if host.nodes().graph().keeps_rows() {
            // Such a pipeline does them again, for its rows.
            covered.clear();
        }
        let opened = Opened { at: self.oracle.clock.now(), looked: look.at };
        state.opened_at.entry(lane.clone()).or_default().push(opened);
        state.opened.insert(lane, look.tick);
        let lane = Lane {
            floor,
            covered,
            away: HashMap::new(),
            bytes: HashMap::new(),
            early: HashSet::new(),
            ran: HashSet::new(),
        };
        state.lanes.insert(key, lane);
        drop(state);
        let lane = self.entry.open(host, Arc::clone(&home));
        Box::new(WatchedLane { oracle: self.oracle.clone(), key, home, lane })
    }
}

struct WatchedLane {
    oracle: Oracle,
    key: (usize, u32, u32),
    home: Arc<Home>,
    lane: Box<dyn EntryLane>,
}

impl EntryLane for WatchedLane {
    fn reads(&self) -> bool {
        self.lane.reads()
    }

    fn run(
        &mut self,
        records: &[RecordRef<'_>],
        credit: Credit,
        until: Option<std::time::Instant>,
        log: &mut ChunkLog,
    ) -> usize {
        let taken = self.lane.run(records, credit, until, log);
        let mut state = self.oracle.lock();
        for record in &records[..taken] {
            let print = fingerprint(record);
            let partition = &self.home.partition;
            state.begin(self.key, partition, (record.offset, print));
            let id = (partition.clone(), record.offset, print);
            let is_in = |run: &&crate::lane::Run| (run.first..run.end).contains(&record.offset);
            match log.runs.iter().find(is_in) {
                Some(run) if run.done => state.finish(id, self.key.0),
                _ => {
                    let Some(lane) = state.lanes.get_mut(&self.key) else { continue };
                    if lane.early.remove(&record.offset) {
                        state.finish(id, self.key.0);
                    } else {
                        lane.away.insert(record.offset, id);
                        lane.bytes.insert(record.offset, u64::from(self.home.charge(record.bytes())));
                    }
                }
            }
        }
        let away = state.lanes.get(&self.key).map_or(0, |lane| lane.away.len());
        if away > self.oracle.in_flight {
            let (partition, most) = (&self.home.partition, self.oracle.in_flight);
            let words = format!("{away} records of {partition} are in flight, and {most} may be");
            state.broken.get_or_insert(Broken { promise: "memory is bounded", words });
        }
        // Half of the budget is the most of one partition, and one record beyond.
        let lane = state.lanes.get(&self.key);
        let (bytes, largest) = lane.map_or((0, 0), |lane| {
            let of = |offset: &i64| lane.bytes.get(offset).copied().unwrap_or(0);
            (lane.away.keys().map(of).sum::<u64>(), lane.away.keys().map(of).max().unwrap_or(0))
        });
        if bytes > self.oracle.budget.div_ceil(2) + largest {
            let (partition, budget) = (&self.home.partition, self.oracle.budget);
            let words = format!("{bytes} bytes of {partition} are in flight, of a budget of {budget}");
            state.broken.get_or_insert(Broken { promise: "memory is bounded", words });
        }
        taken
    }
}
