//! The engine between two chunks: takes in what happened, answers the broker, and carries out what the core decides.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, Sender},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{
    CommittedOffset, Message,
    assign::{self, Route},
    committer::Committer,
    control::Control,
    lanes::{CHUNK, Lanes},
    saver::Saver,
};
use crate::{
    app::Error,
    broker::{Assignment, Broker, BrokerErrorKind, Event as BrokerEvent, Remote, TopicPartition, Watermarks},
    config::Config,
    engine::{
        Host, Shared, Worker,
        core::{Assigned, Event, Goal, Part, Start, StartError},
    },
    envelope::{Home, Settled},
    error::RecordError,
    observe::Meters,
    topology::Graph,
};

/// How long the poll thread rests while records wait for outcomes.
const REST: Duration = Duration::from_millis(5);

/// How often positions are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How long the keeper waits for records while it holds what the poll thread needs to fetch.
const KEEP: Duration = Duration::from_millis(20);

/// How long after a look-up that failed the next is tried.
const LOOK_UP_AGAIN: Duration = Duration::from_millis(200);

/// How long an assignment may stay without an answer before the pipeline gives up.
const ASSIGN_BUDGET: Duration = Duration::from_mins(1);

/// How to fetch next.
pub(super) struct Fetch {
    pub(super) max: usize,
    pub(super) wait: Duration,
    /// How long to rest before, unless something comes home.
    pub(super) rest: Option<Duration>,
}

/// Everything of the engine but the user's code.
pub(crate) struct Poller<B> {
    pub(super) broker: B,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) control: Arc<Control>,
    pub(super) shared: Arc<Shared>,
    pub(super) config: Config,
    pub(super) graph: Graph,
    pub(super) routes: Vec<Route>,
    pub(super) lanes: Lanes,
    pub(super) committer: Committer,
    pub(super) saver: Saver,
    pub(super) journal: Arc<healer_store::Journal>,
    pub(super) answer: Sender<Message>,
    pub(super) answers: Receiver<Message>,
    /// Whether the group's commits are being looked up.
    pub(super) asking: bool,
    /// Made when it is first needed.
    pub(super) asker: Option<Box<dyn Worker>>,
    pub(super) hurry: watch::Sender<bool>,
    pub(super) slots: Vec<TopicPartition>,
    pub(super) generations: u32,
    pub(super) unanswered: Vec<(TopicPartition, Duration)>,
    pub(super) settled: Vec<Settled>,
    /// What the client said of an offset that does not exist, until it is known whose.
    pub(super) out_of_range: Option<String>,
    pub(super) next_look_up: Duration,
    pub(super) looked: Duration,
    pub(super) meters: Meters,
    /// What a run to the end is to reach.
    pub(super) goals: Option<BTreeMap<TopicPartition, Goal>>,
}

impl<B: Broker> Poller<B> {
    /// Takes in what happened elsewhere; says whether it goes on.
    pub(super) fn attend(&mut self) -> bool {
        self.collect();
        self.answer_assignments();
        !self.control.core().is_finished()
    }

    /// After fetching: what the broker said, where the consumer is, what was acknowledged.
    pub(super) fn look_after(&mut self) {
        // Before positions are looked at: after a batch that is damaged for good they are beyond it.
        self.broker_events();
        self.find_out_of_range();
        self.look();
        self.tell_commits();
    }

    pub(super) fn step(&mut self, event: Event<'_>) {
        let actions = self.control.step(event);
        self.carry_out(actions);
    }

    /// Takes in what came from tasks, threads and the user.
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
                Message::Store(error) => self.step(Event::Failed(error.into())),
                Message::Group(committed) => {
                    self.asking = false;
                    match committed {
                        Ok(committed) => self.step(Event::GroupCommitted(committed)),
                        Err(error) => {
                            tracing::debug!(%error, "what the group has committed is not known yet");
                        }
                    }
                }
            }
        }
        if self.control.is_asked_to_stop() {
            self.step(Event::Stop);
        } else {
            self.step(Event::Tick);
        }
    }

    pub(super) fn fail_record(&mut self, failure: crate::error::Failure) {
        let failed = failure.into_inner();
        let path = self.graph.path(failed.node);
        self.step(Event::Failed(Error::record(RecordError::new(failed, &path))));
    }

    fn broker_events(&mut self) {
        for event in self.broker.events() {
            match event {
                BrokerEvent::Assigned(partitions) => {
                    if !partitions.is_empty() {
                        self.control.miss_topic(None);
                    }
                    let now = self.control.now();
                    self.unanswered.extend(partitions.into_iter().map(|partition| (partition, now)));
                }
                BrokerEvent::Revoked(partitions) => {
                    self.unanswered.retain(|(partition, _)| !partitions.contains(partition));
                    self.step(Event::Revoked(partitions));
                }
                BrokerEvent::Lost(partitions) => {
                    self.unanswered.retain(|(partition, _)| !partitions.contains(partition));
                    self.step(Event::Lost(partitions));
                }
                BrokerEvent::OutOfRange(text) => self.out_of_range = Some(text),
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

    /// An offset that was asked for does not exist, and the client does not say of which partition: compare where it reads
    /// with what there is. Its fetching stands still, so that this goes on until the answer is known.
    fn find_out_of_range(&mut self) {
        let now = self.control.now();
        if self.out_of_range.is_none() || now < self.next_look_up {
            return;
        }
        let read: BTreeMap<u32, i64> = self.broker.positions().into_iter().collect();
        let parts: Vec<_> = {
            let core = self.control.core();
            let part = |part: &Part| (part.home.slot, part.home.partition.clone(), part.ledger.position());
            core.parts().map(part).collect()
        };
        let mut known = Vec::with_capacity(parts.len());
        for (slot, partition, position) in parts {
            match self.remote.watermarks(&partition, self.config.connect_timeout()) {
                Ok(marks) => {
                    known.push((partition, read.get(&slot).copied().unwrap_or(position), position, marks));
                }
                Err(error) => {
                    tracing::warn!(%partition, %error, "where it ends is not known; trying again");
                    self.next_look_up = now + LOOK_UP_AGAIN;
                    return;
                }
            }
        }
        let is_out = |(_, read, position, marks): &(TopicPartition, i64, i64, Watermarks)| {
            let range = marks.first..=marks.end;
            !range.contains(read) || !range.contains(position)
        };
        let text = self.out_of_range.take();
        if known.iter().any(is_out) {
            known.retain(is_out);
        } else if self.config.out_of_range() == crate::OutOfRange::Error {
            let text = text.unwrap_or_default();
            return self.step(Event::Failed(Error::Broker(format!(
                "{text}; the client does not say of which partition, and all positions exist by now: a log was truncated and \
                 written anew past what was read. Look for an unclean leader election, and set the group's offset there, or \
                 set `out_of_range` to `earliest` to read all partitions anew"
            ))));
        }
        // Where none is out, a log was truncated and written anew past our position, and nobody says which: all of them are
        // read anew.
        for (partition, _, position, Watermarks { first, end }) in known {
            if self.config.out_of_range() == crate::OutOfRange::Error {
                let partition = partition.to_string();
                let error = StartError::OutOfRange { partition, committed: position, first, end };
                return self.step(Event::Failed(error.into()));
            }
            tracing::warn!(%partition, position, first, end, text, "the offset is out of range: starting anew");
            let offset = if self.config.out_of_range() == crate::OutOfRange::Latest { end } else { first };
            self.reopen(&partition, Start::at(offset));
        }
    }

    /// Reads a partition anew from an offset that was passed already.
    pub(super) fn rewind(&mut self, (slot, generation): (u32, u32), offset: i64) {
        if self.control.core().part(slot).is_none_or(|part| part.home.generation != generation) {
            return;
        }
        let partition = self.slots[slot as usize].clone();
        self.reopen(&partition, Start::at(offset));
    }

    /// Opens a new generation of a partition that is assigned already; what the old one still does changes nothing.
    fn reopen(&mut self, partition: &TopicPartition, start: Start) {
        let Some((slot, home)) = self.open_lane(partition) else { return };
        let (to, generation) =
            (Assignment { partition: partition.clone(), slot, offset: start.offset }, home.generation);
        self.step(Event::Restarted(Assigned { slot, home, start }));
        if self.control.core().part(slot).is_none_or(|part| part.home.generation != generation) {
            return; // it is on its way out
        }
        if let Err(error) = self.broker.seek(&to) {
            self.step(Event::Failed(error.into()));
        }
    }

    fn answer_assignments(&mut self) {
        let now = self.control.now();
        if self.unanswered.is_empty() || now < self.next_look_up || !self.control.core().is_running() {
            return;
        }
        let unanswered = std::mem::take(&mut self.unanswered);
        let partitions: Vec<_> = unanswered.iter().map(|(partition, _)| partition.clone()).collect();
        let wait = self.config.connect_timeout();
        match assign::starts(&*self.remote, &self.journal, &self.config, &partitions, wait) {
            Ok(starts) => self.open(partitions, starts),
            // Neither an outage nor a topic that is gone ends a pipeline that runs.
            Err(error)
                if matches!(error, Error::Unreachable(_) | Error::UnknownTopic(_))
                    || matches!(error, Error::Broker(_))
                        && unanswered.iter().all(|(_, since)| now < *since + ASSIGN_BUDGET) =>
            {
                tracing::warn!(%error, "could not look up where to start; trying again");
                self.unanswered = unanswered;
                self.next_look_up = now + LOOK_UP_AGAIN;
            }
            Err(error) => self.step(Event::Failed(error)),
        }
    }

    fn open(&mut self, partitions: Vec<TopicPartition>, starts: Vec<Start>) {
        let mut assigned = Vec::with_capacity(partitions.len());
        let mut assignments = Vec::with_capacity(partitions.len());
        for (partition, start) in partitions.into_iter().zip(starts) {
            let Some((slot, home)) = self.open_lane(&partition) else { continue };
            tracing::info!(%partition, offset = start.offset, "assigned");
            assignments.push(Assignment { partition, slot, offset: start.offset });
            assigned.push(Assigned { slot, home, start });
        }
        self.step(Event::Assigned(assigned));
        if let Err(error) = self.broker.assign(&assignments) {
            self.step(Event::Failed(error.into()));
        }
    }

    /// Opens the lane of a partition in a new generation.
    fn open_lane(&mut self, partition: &TopicPartition) -> Option<(u32, Arc<Home>)> {
        let Some(route) = self.routes.iter().find(|route| route.takes(&partition.topic)) else {
            tracing::warn!(%partition, "assigned, but no source reads it");
            return None;
        };
        let known = self.slots.iter().position(|known| known == partition);
        let slot = known.unwrap_or_else(|| {
            self.slots.push(partition.clone());
            self.slots.len() - 1
        });
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        self.generations += 1;
        let generation = self.generations;
        let desk = Arc::clone(&self.control.desk);
        let home = Arc::new(Home::new(slot, generation, partition.clone(), desk).read_by(route.node));
        let host = Host::of_partition(&self.shared, slot, generation);
        let entry = route.entry.open(&host, Arc::clone(&home));
        self.lanes.open(Arc::clone(&home), host, entry);
        Some((slot, home))
    }

    /// How the poll thread is to fetch next.
    pub(super) fn fetch(&self) -> Fetch {
        let (waiting, ready) = self.lanes.waiting();
        let (mut wait, mut rest) = (Duration::ZERO, None);
        // While no broker answers nothing is acknowledged, and looking for that often would only burn a core.
        let budget = self.config.poll_budget();
        let pace = if !ready && self.remote.outage().is_some() { REST.max(budget) } else { REST };
        let core = self.control.core();
        if ready {
        } else if waiting || !core.is_running() {
            rest = Some(pace);
        } else if core.is_busy() {
            wait = pace.min(budget);
        } else {
            wait = budget;
        }
        // While all lanes have what to do, more records would only fill them until fetching pauses, and a pause throws away
        // what the client has fetched. One at a time still answers rebalances.
        let enough = ready || (waiting && self.lanes.all_wait());
        let max = if enough { 1 } else { CHUNK.min(self.config.in_flight()) };
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
        if now >= self.looked + LOOK {
            self.looked = now;
            {
                let mut core = self.control.core();
                self.lanes.first_waiting().for_each(|(lane, first)| core.waits(lane, first));
            }
            let mut positions = self.broker.positions();
            // What waits was fetched and not yet delivered: the position is beyond it.
            positions.retain(|(slot, _)| self.lanes.is_at_position(*slot, now));
            self.step(Event::Positions(&positions));
            self.record();
        }
    }

    pub(super) fn record(&mut self) {
        let core = self.control.core();
        self.meters.record(&core.tally, &core.status(self.control.now()));
    }

    pub(super) fn tell_commits(&mut self) {
        for (TopicPartition { topic, partition }, offset) in self.control.core().take_news() {
            // An error says that nobody listens.
            drop(self.control.commits.send(CommittedOffset { topic, partition, offset }));
        }
    }
}
