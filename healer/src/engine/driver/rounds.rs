//! The engine between two chunks: takes in events, answers the broker, and carries out the core's actions.
//!
//! **Rounds.** A chunk or an outcome concerns one partition, and that one is looked at. All of them are looked at when anything
//! rare happens, while something is given back or ends, and else after a time that grows with their number (100 µs for 16). In
//! the same way lanes in which nothing waits, is out or is paused are left alone (`Lanes::busy`).

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

use super::{
    CommittedOffset, Message,
    assign::Route,
    begun::Begun,
    committer::Committer,
    control::Control,
    lanes::{CHUNK, LaneRun, Lanes},
    lookups::{Requests, Unanswered},
    saver::Saver,
    waits::Answer,
    workers::{self, LaneWorkers, Ran},
};
use crate::{
    broker::{Broker, BrokerErrorKind, Event as BrokerEvent, Remote, TopicPartition},
    config::Config,
    engine::core::{Action, Event, Goal},
    envelope::Settled,
    error::{Error, Failure, RecordError},
    lane::{ChunkLog, Memory, Shared},
    observe::{Fate, GivenUp, Meters, Sight},
    topology::Graph,
};

/// How long the poll thread rests while records wait for outcomes.
const REST: Duration = Duration::from_millis(5);

/// How long it waits for records while lanes are with threads of their own: a lane that comes back meanwhile waits as long.
const AT_WORK: Duration = Duration::from_millis(1);

/// How often positions are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often metrics are told.
const TELL: Duration = Duration::from_millis(250);

/// How long the keeper waits for records while it holds the role that the poll thread needs to fetch.
const KEEP: Duration = Duration::from_millis(20);

/// How to fetch next.
pub(super) struct Fetch {
    pub(super) max: usize,
    pub(super) wait: Duration,
    /// How long to rest before, unless outcomes come home that are worth a look.
    pub(super) rest: Option<Duration>,
}

/// The consequences of a run.
pub(super) struct Followup {
    failure: Option<Failure>,
    actions: Vec<Action>,
}

impl Followup {
    pub(super) fn is_none(&self) -> bool {
        self.failure.is_none() && self.actions.is_empty()
    }
}

/// The partitions of this member, and those that wait for an answer.
pub(super) struct Assignments {
    /// Which source reads a topic.
    pub(super) routes: Vec<Route>,
    /// Partitions by slot: each keeps its own as long as the process lives.
    pub(super) slots: Vec<TopicPartition>,
    /// How many were given out.
    pub(super) generations: u32,
    pub(super) begun: Begun,
    pub(super) unanswered: Unanswered,
}

impl Assignments {
    pub(super) fn new(routes: Vec<Route>) -> Self {
        Self {
            routes,
            slots: Vec::new(),
            generations: 0,
            begun: Begun::new(),
            unanswered: Unanswered::default(),
        }
    }
}

/// When the consumer was looked at, and the metrics were told.
pub(super) struct Reporting {
    pub(super) meters: Meters,
    looked: Duration,
    told: Duration,
}

impl Reporting {
    pub(super) fn new(meters: Meters) -> Self {
        Self { meters, looked: Duration::ZERO, told: Duration::ZERO }
    }
}

/// Everything of the engine but the user's code.
pub(crate) struct Driver<B> {
    pub(super) broker: B,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) control: Arc<Control>,
    pub(super) shared: Arc<Shared>,
    pub(super) config: Config,
    pub(super) graph: Graph,
    pub(super) assignments: Assignments,
    pub(super) lanes: Lanes,
    /// Where lanes run elsewhere than on the poll thread.
    pub(super) lane_workers: Option<LaneWorkers>,
    pub(super) committer: Committer,
    pub(super) saver: Saver,
    pub(super) journal: Arc<crate::journal::Journal>,
    pub(super) answers: Receiver<Message>,
    pub(super) requests: Requests,
    pub(super) flush: watch::Sender<bool>,
    pub(super) settled: Vec<Settled>,
    pub(super) reporting: Reporting,
    pub(super) memory: Arc<Memory>,
    /// The goals of a run to the end.
    pub(super) goals: Option<BTreeMap<TopicPartition, Goal>>,
}

impl<B: Broker> Driver<B> {
    /// Takes in events from elsewhere; says whether the pipeline goes on.
    pub(super) fn attend(&mut self) -> bool {
        self.collect();
        self.ask_starts();
        !self.control.core().is_finished()
    }

    /// After fetching: takes in the broker's events, looks where the consumer is, and tells of acknowledged commits.
    pub(super) fn look_after(&mut self) {
        let now = self.control.now();
        self.control.has_polled(now);
        self.shared.measures.pass(now);
        // Before positions are looked at: after a batch that is damaged for good they are beyond it.
        self.broker_events();
        self.ask_watermarks();
        self.look();
        self.tell_commits();
    }

    pub(super) fn step(&mut self, event: Event<'_>) {
        let actions = self.control.step(event);
        self.carry_out(actions);
    }

    /// Takes in outcomes of tasks, answers of threads, and wishes of the user.
    fn collect(&mut self) {
        let mut settled = std::mem::take(&mut self.settled);
        let failures = self.control.desk.collect(&mut settled);
        for failure in failures {
            self.fail_record(failure);
        }
        if !settled.is_empty() {
            self.step(Event::Settled(&settled));
        }
        self.settled = settled;
        while let Ok(message) = self.answers.try_recv() {
            match message {
                Message::Committed(result) => self.step(Event::Committed(result)),
                Message::Saved(number) => self.step(Event::Saved(number)),
                Message::Store(error) => self.step(Event::NotSaved(error.into())),
                Message::Ran(ran) => self.take_ran(*ran),
                Message::Broke(error) => self.step(Event::Failed(error)),
                Message::Starts(asked, starts) => self.take_starts(&asked, starts),
                Message::Watermarks(asked, marks) => self.take_watermarks(asked, marks),
                Message::Group(committed) => self.take_group(committed),
                Message::Ends(ends) => self.take_ends(ends),
                Message::Sought(sought, answer) => self.take_sought(sought, answer),
            }
        }
        self.take_seeks();
        self.saver.look(self.control.now());
        if self.control.is_asked_to_stop() {
            self.step(Event::Stop);
        } else {
            self.step(Event::Tick);
        }
    }

    /// Takes a run back; what follows from it is left to [`follow`](Self::follow).
    pub(super) fn finish_run(
        &mut self,
        run: LaneRun,
        log: &mut ChunkLog,
        leader_epoch: Option<i32>,
    ) -> Followup {
        let (slot, generation) = (run.home.slot, run.home.generation);
        let delivered = run.leave.treatment.is_delivered();
        // First, so that the core's actions find the lane whole.
        self.lanes.take_back(run);
        let event = Event::Chunk { slot, generation, log, leader_epoch, delivered };
        let actions = self.control.step(event);
        let failure = log.failure.take();
        Followup { failure, actions }
    }

    /// Carries out what follows from a run; by a thread that has the role.
    pub(super) fn follow(&mut self, Followup { failure, actions }: Followup) {
        if let Some(failure) = failure {
            self.fail_record(failure);
        }
        self.carry_out(actions);
    }

    /// A run is back from its thread.
    fn take_ran(&mut self, Ran { run, mut log, leader_epoch }: Ran) {
        let followup = self.finish_run(run, &mut log, leader_epoch);
        self.follow(followup);
    }

    pub(super) fn fail_record(&mut self, failure: Failure) {
        let failed = failure.into_inner();
        let (node, path) = (failed.node, self.graph.path(failed.node));
        let error = RecordError::new(failed, &path);
        let now = self.control.now();
        self.shared.given_up.tell(Fate::Failed, node, GivenUp::of_error(&error), now);
        self.step(Event::Failed(Error::record(error)));
    }

    fn broker_events(&mut self) {
        for event in self.broker.events() {
            match event {
                BrokerEvent::Assigned(partitions) => {
                    self.control.core().tally.rebalances += 1;
                    self.control.waits().hear(Answer::Nothing);
                    if !partitions.is_empty() {
                        self.control.miss_topic(None);
                    }
                    self.assignments.unanswered.add(partitions);
                }
                BrokerEvent::Revoked(partitions) => {
                    self.control.core().tally.rebalances += 1;
                    self.control.waits().hear(Answer::None);
                    self.assignments.unanswered.remove(&partitions);
                    self.step(Event::Revoked(partitions));
                }
                BrokerEvent::Lost(partitions) => {
                    self.control.core().tally.rebalances += 1;
                    self.control.waits().hear(Answer::None);
                    self.assignments.unanswered.remove(&partitions);
                    self.step(Event::Lost(partitions));
                }
                BrokerEvent::OutOfRange(text) => self.hear_out_of_range(text),
                BrokerEvent::Error(error) => match error.kind {
                    BrokerErrorKind::Transient | BrokerErrorKind::Unreachable => {}
                    // Its partitions go when the group takes them away, and come with a topic that is made anew.
                    BrokerErrorKind::UnknownTopic => {
                        tracing::warn!(%error, "a topic is gone");
                        self.control.miss_topic(Some(error.text));
                    }
                    _ => self.step(Event::Failed(error.into())),
                },
            }
        }
    }

    /// How the poll thread is to fetch next; `came` where the last time brought something.
    pub(super) fn fetch(&self, came: bool) -> Fetch {
        let (waiting, ready) = self.lanes.waiting();
        let (mut wait, mut rest) = (Duration::ZERO, None);
        // While no broker answers nothing is acknowledged, and looking for that often would only burn a core.
        let budget = self.config.poll_budget();
        let pace = if !ready && self.remote.outage().is_some() { REST.max(budget) } else { REST };
        let core = self.control.core();
        // Threads of their own are given more at once.
        let enough = if self.lane_workers.is_some() { workers::MOST_AT_ONCE } else { 1 };
        let full = waiting && self.lanes.all_wait(enough);
        if ready {
        } else if self.lanes.are_out() && !full && core.is_running() {
            wait = AT_WORK;
        } else if waiting || !core.is_running() {
            // Partitions that are idle are fetched for without a rest, as long as records come.
            rest = (full || !came).then_some(pace);
        } else if core.is_busy() || self.is_asking() {
            wait = pace.min(budget);
        } else {
            wait = budget;
        }
        // While all lanes have work, more records would only fill them until fetching pauses, and a pause throws away
        // the records that the client has fetched. One at a time still answers rebalances.
        let max = if full || (ready && self.lane_workers.is_none()) {
            1
        } else {
            CHUNK.min(self.config.in_flight())
        };
        Fetch { max, wait, rest }
    }

    /// How its keeper is to fetch.
    pub(super) fn fetch_to_keep(&self) -> Fetch {
        Fetch {
            max: CHUNK.min(self.config.in_flight()),
            wait: KEEP.min(self.config.poll_budget()),
            rest: None,
        }
    }

    /// Looks where the consumer is, and pauses or resumes fetching.
    fn look(&mut self) {
        let flow = self.lanes.flow();
        let changed = [
            (!flow.pause.is_empty()).then(|| self.broker.pause(&flow.pause)),
            (!flow.resume.is_empty()).then(|| self.broker.resume(&flow.resume)),
        ];
        for error in changed.into_iter().flatten().filter_map(Result::err) {
            tracing::warn!(%error, "could not pause or resume");
        }
        let now = self.control.now();
        if now >= self.reporting.looked + LOOK {
            self.reporting.looked = now;
            {
                let mut core = self.control.core();
                self.lanes.first_waiting().for_each(|(lane, first)| core.waits(lane, first));
                if core.starve(self.lanes.slots_waiting()) {
                    self.shared.starved.notify_waiters();
                }
            }
            let mut positions = self.broker.positions();
            // Records that wait were fetched and not yet delivered: the position is beyond them.
            positions.retain(|(slot, _)| self.lanes.is_at_position(*slot, now));
            self.step(Event::Positions(&positions));
            self.ask_ends(now);
            self.look_for_partitions(now);
            if now >= self.reporting.told + TELL {
                self.reporting.told = now;
                self.shared.given_up.tell_rest(now, false);
                self.record();
            }
        }
    }

    /// Tells the metrics.
    pub(super) fn record(&mut self) {
        let now = self.control.now();
        let core = self.control.core();
        let (partitions, in_flight, bytes) = (core.status(now), core.in_flight(), core.in_flight_by_use());
        let ago = now.saturating_sub(self.control.polled());
        let polled = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(ago);
        self.reporting.meters.record(&Sight {
            tally: &core.tally,
            partitions: &partitions,
            stages: &self.shared.counts,
            in_flight: &in_flight,
            open_circuits: &self.shared.circuits.nodes(),
            polled: polled.as_secs_f64(),
            reports: self.shared.reports.counts(),
            saves: self.control.saves.counts(now),
            memory: [
                bytes.records,
                bytes.originals,
                bytes.sends,
                self.lanes.bytes(),
                self.shared.reports.bytes(),
            ],
        });
    }

    pub(super) fn tell_commits(&mut self) {
        for (partition, offset) in self.control.core().take_news() {
            // From now on the group knows it. Without a commit again it is another one, of a topic that was made anew.
            self.assignments.begun.remove(&partition);
            let TopicPartition { topic, partition } = partition;
            // An error says that nobody listens.
            drop(self.control.commits.send(CommittedOffset { topic, partition, offset }));
        }
    }
}
