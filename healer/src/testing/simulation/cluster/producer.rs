//! Sending: records lie on their way until somebody acknowledges them.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{Cluster, ProducerId, log::Record, state::State};
use crate::{
    broker::{BrokerError, BrokerErrorKind, Delivery, OutRecord, Producer, SendError},
    testing::partitioner::partition_of,
};

/// A record on its way.
pub(super) struct Sent {
    producer: ProducerId,
    topic: Arc<str>,
    record: Record,
    answer: Answer,
}

type Outcome = Result<(), SendError>;

/// Where an acknowledgement is looked for.
#[derive(Clone, Default)]
struct Answer(Arc<Mutex<(Option<Outcome>, Option<Waker>)>>);

impl Answer {
    fn give(&self, outcome: Outcome) -> Option<Waker> {
        let mut cell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cell.0 = Some(outcome);
        cell.1.take()
    }
}

impl Future for Answer {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut cell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = cell.0.take() {
            return Poll::Ready(outcome);
        }
        cell.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

impl State {
    /// Ends the record at that place in the line: written or not, and so told or not.
    fn end_send(&mut self, at: usize, written: bool, outcome: Outcome) {
        let Sent { topic, mut record, answer, .. } = self.sent.remove(at);
        if let Some(topic) = self.topic(&topic).filter(|_| written) {
            let partitions = i32::try_from(self.topics[topic].partitions.len()).unwrap_or(i32::MAX);
            // Without a key the real client chooses at random.
            let partition = match &record.key {
                Some(key) => partition_of(key, partitions),
                None => i32::try_from(self.rng.below(self.topics[topic].partitions.len())).unwrap_or(0),
            };
            self.serial += 1;
            record.serial = self.serial;
            self.append((topic, partition), super::Entry::Record(Arc::new(record)));
        }
        self.wakers.extend(answer.give(outcome));
    }

    /// Acknowledges the oldest of those on their way.
    pub(super) fn acknowledge(&mut self, most: usize) -> usize {
        for many in 0..most {
            let next = self.sent.iter().position(|sent| !self.is_stuck(sent));
            let Some(next) = next.filter(|_| !self.down) else { return many };
            self.acknowledge_at(next);
        }
        most
    }

    /// Whether nobody acknowledges the records of this one's partition.
    fn is_stuck(&self, sent: &Sent) -> bool {
        let (Some(stuck), Some(topic)) = (self.settings.stuck, self.topic(&sent.topic)) else { return false };
        let partitions = i32::try_from(self.topics[topic].partitions.len()).unwrap_or(i32::MAX);
        sent.record.key.as_ref().is_some_and(|key| partition_of(key, partitions) == stuck)
    }

    /// Acknowledges the oldest of a topic that is chosen at random.
    pub(super) fn acknowledge_any(&mut self) -> bool {
        if self.down || self.sent.is_empty() {
            return false;
        }
        let any = self.rng.below(self.sent.len());
        let (producer, topic) = (self.sent[any].producer, Arc::clone(&self.sent[any].topic));
        let same = |sent: &Sent| {
            sent.producer == producer && sent.topic == topic && sent.record.key == self.sent[any].record.key
        };
        let oldest = self.sent.iter().position(same).unwrap_or(any);
        self.acknowledge_at(oldest);
        true
    }

    fn acknowledge_at(&mut self, at: usize) {
        let outcome = if self.topic(&self.sent[at].topic).is_some() {
            Ok(())
        } else {
            let text = format!("sending a record: topic {:?} does not exist", self.sent[at].topic);
            Err(SendError::Failed(super::error(BrokerErrorKind::UnknownTopic, text)))
        };
        self.end_send(at, true, outcome);
    }

    pub(super) fn fail_sends(&mut self, most: usize, written: bool) -> usize {
        let many = most.min(self.sent.len());
        for _ in 0..many {
            let text = "sending a record failed: no broker answered in time".to_owned();
            let error = super::error(BrokerErrorKind::Unreachable, text);
            self.end_send(0, written, Err(SendError::Failed(error)));
        }
        many
    }

    /// The process is gone: its records arrive, up to one of them, or not; nobody is told.
    pub(super) fn crash_producer(&mut self, producer: ProducerId) {
        let mine = self.sent.iter().filter(|sent| sent.producer == producer).count();
        let mut arrive = self.rng.below(mine + 1);
        while let Some(at) = self.sent.iter().position(|sent| sent.producer == producer) {
            self.end_send(at, arrive > 0, Ok(()));
            arrive = arrive.saturating_sub(1);
        }
    }
}

/// A producer of the simulated cluster. Every call returns at once.
pub(crate) struct SimProducer {
    cluster: Cluster,
    id: ProducerId,
}

impl SimProducer {
    pub(super) fn new(cluster: Cluster, id: ProducerId) -> Self {
        Self { cluster, id }
    }

    pub(crate) fn id(&self) -> ProducerId {
        self.id
    }
}

impl Producer for SimProducer {
    fn send(&self, record: &OutRecord<'_>) -> Result<Delivery, SendError> {
        let mut state = self.cluster.lock();
        let per_mille = state.settings.full_queues;
        let mine = state.sent.iter().filter(|sent| sent.producer == self.id).count();
        if mine >= state.settings.queue || state.rng.chance(per_mille) {
            return Err(SendError::Full);
        }
        let now = i64::try_from(state.now.as_millis()).unwrap_or(i64::MAX);
        let answer = Answer::default();
        state.sent.push(Sent {
            producer: self.id,
            topic: record.topic.into(),
            record: Record {
                serial: 0,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: record.headers.clone(),
                timestamp: Some(record.timestamp.unwrap_or(now)),
            },
            answer: answer.clone(),
        });
        Ok(Box::pin(answer))
    }

    fn check_topic(&self, topic: &str, _: Duration) -> Result<(), BrokerError> {
        let mut state = self.cluster.lock();
        state.reach()?;
        let text = || format!("topic {topic:?} does not exist; create the topic, or correct its name");
        state.topic(topic).map(drop).ok_or_else(|| super::error(BrokerErrorKind::UnknownTopic, text()))
    }

    fn flush(&self, _: Duration) {
        self.cluster.change(|state| {
            while !state.down
                && let Some(at) =
                    state.sent.iter().position(|sent| sent.producer == self.id && !state.is_stuck(sent))
            {
                state.acknowledge_at(at);
            }
        });
    }
}
