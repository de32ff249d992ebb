//! Questions to the broker are asked apart from polling: answers take their time, and polling must not stop for them.
//!
//! **Look-ups.** A thread that polls asks the broker nothing: an answer takes up to `connect_timeout`, and comes home as a
//! message. One question of a kind is under way, further ones are asked next, together. Starts have a thread of their own, since
//! until they are known nothing is fetched. Each assignment has a number: an answer opens those of its assignments that still
//! stand, and is dropped for those that were taken away or given anew. While starts are unknown, revokes, commits and a stop go
//! on; a question that hangs is not waited for (the client's closing waits for the request that is under way, within its budget).

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use super::{
    Message,
    assign::{self, Lookup},
    begun::Begun,
    out_of_range::OutOfRangeTold,
    rounds::Driver,
};
use crate::{
    broker::{Broker, Remote, TopicPartition},
    engine::core::{Event, Start},
    envelope::Desk,
    error::{Error, catch},
    lane::{Runtime, Worker},
};

/// How long after a look-up that failed the next is tried.
pub(super) const LOOK_UP_AGAIN: Duration = Duration::from_millis(200);

/// How often is told that starts are not known yet.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Asks, and sends the answers home.
pub(super) struct Asker {
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) answers: Sender<Message>,
    pub(super) desk: Arc<Desk>,
    /// For starts alone: until they are known nothing is fetched and the group waits, so that they wait for no other answer.
    pub(super) starts: Box<dyn Worker>,
    /// For all else. Made when it is first needed.
    pub(super) others: Option<Box<dyn Worker>>,
}

/// The questions that are under way, and when the next ones are due.
pub(super) struct Requests {
    pub(super) asker: Asker,
    pub(super) out_of_range: OutOfRangeTold,
    /// Whether the group's commits are being looked up.
    asking_group: bool,
    /// When the ends of logs are looked up next; `None` while they are.
    pub(super) ends_at: Option<Duration>,
}

impl Requests {
    pub(super) fn new(asker: Asker, ends_at: Duration) -> Self {
        let out_of_range = OutOfRangeTold::default();
        Self { asker, out_of_range, asking_group: false, ends_at: Some(ends_at) }
    }
}

impl Asker {
    pub(super) fn ask_starts<T: 'static>(
        &self,
        question: impl FnOnce(&dyn Remote) -> Result<T, Error> + Send + 'static,
        message: impl FnOnce(Result<T, Error>) -> Message + Send + 'static,
    ) {
        self.starts.give(self.work(question, message));
    }

    /// Says whether somebody asks.
    pub(super) fn ask<T: 'static>(
        &mut self,
        question: impl FnOnce(&dyn Remote) -> Result<T, Error> + Send + 'static,
        message: impl FnOnce(Result<T, Error>) -> Message + Send + 'static,
    ) -> bool {
        if self.others.is_none() {
            match self.runtime.worker("healer-ask") {
                Ok(worker) => self.others = Some(worker),
                Err(error) => {
                    tracing::warn!(%error, "no thread could be started to ask the broker; trying again");
                }
            }
        }
        let Some(worker) = &self.others else { return false };
        worker.give(self.work(question, message));
        true
    }

    fn work<T: 'static>(
        &self,
        question: impl FnOnce(&dyn Remote) -> Result<T, Error> + Send + 'static,
        message: impl FnOnce(Result<T, Error>) -> Message + Send + 'static,
    ) -> Box<dyn FnOnce() + Send> {
        let (remote, answers, desk) =
            (Arc::clone(&self.remote), self.answers.clone(), Arc::clone(&self.desk));
        Box::new(move || {
            // A question without an answer would be the last one of its kind for ever.
            let answer =
                catch(|| question(&*remote)).unwrap_or_else(|panicked| Err(Error::Engine(panicked.message)));
            // Nobody listens once the pipeline has ended.
            let _ = answers.send(message(answer));
            desk.nudge();
        })
    }
}

/// Assignments that are not answered yet, oldest first. Each has a number of its own, so that the answer for an
/// assignment that is over is not taken for that of the next one of the same partition: others may have committed in between.
#[derive(Default)]
pub(super) struct Unanswered {
    waiting: BTreeMap<u64, TopicPartition>,
    numbers: u64,
    /// A look-up is under way; assignments that come meanwhile are looked up after it.
    asking: bool,
    next: Duration,
    /// When it is told again that there is no answer.
    tell: Duration,
}

impl Unanswered {
    pub(super) fn add(&mut self, partitions: Vec<TopicPartition>) {
        self.remove(&partitions);
        for partition in partitions {
            self.numbers += 1;
            self.waiting.insert(self.numbers, partition);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn remove(&mut self, partitions: &[TopicPartition]) {
        self.waiting.retain(|_, partition| !partitions.contains(partition));
    }
}

impl<B: Broker> Driver<B> {
    /// Whether an answer is to be expected soon.
    pub(super) fn is_asking(&self) -> bool {
        self.assignments.unanswered.asking || self.requests.out_of_range.is_asking()
    }

    /// Looks up where partitions start that were assigned.
    pub(super) fn ask_starts(&mut self) {
        let Unanswered { waiting, asking, next, .. } = &mut self.assignments.unanswered;
        let due = !*asking && !waiting.is_empty() && self.control.now() >= *next;
        if !due || !self.control.core().is_running() {
            return;
        }
        *asking = true;
        let (numbers, partitions): (Vec<_>, Vec<_>) =
            waiting.iter().map(|(number, partition)| (*number, partition.clone())).unzip();
        let (journal, config) = (Arc::downgrade(&self.journal), self.config.clone());
        let keeps = self.graph.keeps_rows();
        let begun = partitions.iter().filter_map(|partition| self.assignments.begun.get_key_value(partition));
        let begun: Begun = begun.map(|(partition, offset)| (partition.clone(), *offset)).collect();
        self.requests.asker.ask_starts(
            move |remote| {
                let by = Lookup { remote, journal: &journal, config: &config, begun: &begun, keeps };
                assign::starts(&by, &partitions)
            },
            move |starts| Message::Starts(numbers, starts),
        );
    }

    pub(super) fn take_starts(&mut self, asked: &[u64], starts: Result<Vec<Start>, Error>) {
        self.assignments.unanswered.asking = false;
        if !self.control.core().is_running() {
            return; // nothing is opened any more, and an error is of no interest
        }
        let waiting = &mut self.assignments.unanswered.waiting;
        let error = match starts {
            Ok(starts) => {
                let known = asked.iter().zip(starts);
                let current = known.filter_map(|(number, start)| Some((waiting.remove(number)?, start)));
                let current: Vec<_> = current.collect();
                // The broker would take an empty answer for that of an assignment that came since.
                if !current.is_empty() {
                    self.open(current);
                }
                return;
            }
            Err(error) => error,
        };
        let now = self.control.now();
        let current = asked.iter().filter(|number| waiting.contains_key(number)).count();
        let passes = match error {
            Error::Engine(_) => false,
            // Neither an outage, nor a coordinator or leader that moves, nor a topic that is gone ends a pipeline that runs.
            Error::Unreachable(_) | Error::NotReady(_) | Error::UnknownTopic(_) => true,
            Error::Store(ref error) if error.is_transient() => true,
            // It may be about one that is gone by now.
            _ if current < asked.len() => return,
            _ => false,
        };
        if !passes {
            return self.step(Event::Failed(error));
        }
        self.assignments.unanswered.next = now + LOOK_UP_AGAIN;
        if now >= self.assignments.unanswered.tell {
            tracing::warn!(%error, "could not look up where to start; asking again until there is an answer");
            self.assignments.unanswered.tell = now + TELL_AGAIN;
        }
    }

    /// Asks for the group's committed offsets. Behind a join that waits for others the answer takes its time.
    pub(super) fn ask_group(&mut self, partitions: Vec<TopicPartition>) {
        if self.requests.asking_group {
            return;
        }
        let wait = self.config.connect_timeout();
        let question = move |remote: &dyn Remote| {
            let known = partitions.iter().cloned().zip(remote.committed(&partitions, wait)?);
            Ok(known.filter_map(|(partition, committed)| Some((partition, committed?.offset))).collect())
        };
        self.requests.asking_group = self.requests.asker.ask(question, Message::Group);
    }

    pub(super) fn take_group(&mut self, committed: Result<BTreeMap<TopicPartition, i64>, Error>) {
        self.requests.asking_group = false;
        match committed {
            Ok(committed) => self.step(Event::GroupCommitted(committed)),
            Err(error @ Error::Engine(_)) => self.step(Event::Failed(error)),
            Err(error) => tracing::debug!(%error, "what the group has committed is not known yet"),
        }
    }
}
