//! A broker whose only member has all partitions from the beginning to the end, and whose answers are always yes.

use std::{
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::runtime::OneThread;
use crate::{
    Config,
    broker::{
        Assignment, BadHeaders, Broker, BrokerError, Commit, CommitError, Committed, Delivery, Event,
        OutRecord, Producer, ReadHeaders, RecordRef, Remote, SendError, Source, TopicPartition, Topics,
        Watermarks,
    },
    context::Headers,
    engine::Connect,
    testing::TestRecord,
};

/// All records, and how far they were read.
pub(super) struct Shelf {
    topic: Arc<str>,
    sample: Arc<[TestRecord]>,
    /// How many records each partition holds.
    ends: Vec<i64>,
    runtime: Arc<OneThread>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    reads: Vec<Read>,
    /// Whose turn it is among those that are read.
    turn: usize,
    committed: Vec<Option<i64>>,
}

/// A partition that is read.
struct Read {
    partition: usize,
    slot: u32,
    next: i64,
    paused: bool,
}

impl Shelf {
    pub(super) fn new(
        topic: &Arc<str>,
        partitions: usize,
        sample: &Arc<[TestRecord]>,
        count: u64,
        runtime: &Arc<OneThread>,
    ) -> Arc<Self> {
        let share = |partition| {
            let share = (count + partitions as u64 - 1 - partition as u64) / partitions as u64;
            i64::try_from(share).unwrap_or(i64::MAX)
        };
        Arc::new(Self {
            topic: Arc::clone(topic),
            sample: Arc::clone(sample),
            ends: (0..partitions).map(share).collect(),
            runtime: Arc::clone(runtime),
            state: Mutex::new(State { committed: vec![None; partitions], ..State::default() }),
        })
    }

    /// One record, where it was.
    pub(in crate::testing) fn of_one(
        (topic, partition, offset): (&str, i32, i64),
        record: TestRecord,
        runtime: &Arc<OneThread>,
    ) -> Arc<Self> {
        let partition = usize::try_from(partition).unwrap_or_default();
        let (mut ends, mut committed) = (vec![0; partition + 1], vec![None; partition + 1]);
        (ends[partition], committed[partition]) = (offset + 1, Some(offset));
        Arc::new(Self {
            topic: Arc::from(topic),
            sample: Arc::from([record]),
            ends,
            runtime: Arc::clone(runtime),
            state: Mutex::new(State { committed, ..State::default() }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<TopicPartition> {
        let topic = || Arc::clone(&self.topic);
        (0..).take(self.ends.len()).map(|partition| TopicPartition { topic: topic(), partition }).collect()
    }

    /// Takes the next records of the partition whose turn it is: its slot, and their offsets.
    fn take(&self, max: usize) -> Option<(u32, std::ops::Range<i64>)> {
        let mut state = self.state();
        let State { reads, turn, .. } = &mut *state;
        for _ in 0..reads.len() {
            *turn = (*turn + 1) % reads.len();
            let read = &mut reads[*turn];
            let first = read.next;
            let end = self.ends[read.partition].min(first.saturating_add_unsigned(max as u64));
            if first < end && !read.paused {
                read.next = end;
                return Some((read.slot, first..end));
            }
        }
        None
    }

    fn record(&self, slot: u32, offset: i64) -> RecordRef<'_> {
        let at = usize::try_from(offset).unwrap_or_default() % self.sample.len();
        let record = &self.sample[at];
        RecordRef {
            slot,
            offset,
            leader_epoch: Some(0),
            timestamp: Some(record.timestamp.unwrap_or(offset)),
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: record,
        }
    }

    fn set_paused(&self, partitions: &[TopicPartition], paused: bool) {
        for read in &mut self.state().reads {
            if partitions.iter().any(|part| number(part) == read.partition) {
                read.paused = paused;
            }
        }
    }
}

fn number(partition: &TopicPartition) -> usize {
    usize::try_from(partition.partition).unwrap_or(usize::MAX)
}

impl ReadHeaders for TestRecord {
    fn read(&self, into: &mut Headers) -> Result<(), BadHeaders> {
        self.headers.iter().for_each(|(name, value)| into.push(name, value));
        Ok(())
    }
}

impl Source for Shelf {
    fn poll(&self, max: usize, wait: Duration, each: &mut dyn FnMut(&[RecordRef<'_>])) {
        self.runtime.give_way();
        match self.take(max) {
            Some((slot, offsets)) => {
                let records: Vec<_> = offsets.map(|offset| self.record(slot, offset)).collect();
                each(&records);
            }
            None if wait.is_zero() => {}
            None => self.runtime.pass(wait),
        }
    }
}

impl Remote for Shelf {
    fn commit(&self, offsets: &[Commit]) -> Result<(), CommitError> {
        let mut state = self.state();
        for commit in offsets {
            state.committed[number(&commit.partition)] = Some(commit.offset);
        }
        Ok(())
    }

    fn committed(
        &self,
        partitions: &[TopicPartition],
        _: Duration,
    ) -> Result<Vec<Option<Committed>>, BrokerError> {
        let state = self.state();
        let of = |offset| Committed { offset, metadata: Ok(String::new()) };
        Ok(partitions.iter().map(|partition| state.committed[number(partition)].map(of)).collect())
    }

    fn watermarks(&self, partition: &TopicPartition, _: Duration) -> Result<Watermarks, BrokerError> {
        Ok(Watermarks { first: 0, end: self.ends[number(partition)] })
    }

    fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        _: i64,
        _: Duration,
    ) -> Result<Vec<i64>, BrokerError> {
        Ok(vec![0; partitions.len()])
    }

    fn ends(&self, partitions: &[TopicPartition], _: Duration) -> Result<Vec<i64>, BrokerError> {
        Ok(partitions.iter().map(|partition| self.ends[number(partition)]).collect())
    }

    fn partitions(&self, _: &[Topics], _: Duration) -> Result<Vec<TopicPartition>, BrokerError> {
        Ok(self.all())
    }
}

/// The member.
pub(super) struct Member(Arc<Shelf>);

impl Broker for Member {
    type Source = Shelf;

    fn source(&self) -> Arc<Shelf> {
        Arc::clone(&self.0)
    }

    fn subscribe(&mut self, _: &[Topics]) -> Result<(), BrokerError> {
        let all = self.0.all();
        self.0.state().events.push(Event::Assigned(all));
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.0.state().events)
    }

    fn assign(&mut self, partitions: &[Assignment]) -> Result<(), BrokerError> {
        let read = |to: &Assignment| Read {
            partition: number(&to.partition),
            slot: to.slot,
            next: to.offset,
            paused: false,
        };
        self.0.state().reads.extend(partitions.iter().map(read));
        Ok(())
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.0.state().reads.retain(|read| partitions.iter().all(|part| number(part) != read.partition));
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.0.set_paused(partitions, true);
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.0.set_paused(partitions, false);
        Ok(())
    }

    fn seek(&mut self, to: &Assignment) -> Result<(), BrokerError> {
        self.unassign(std::slice::from_ref(&to.partition))?;
        self.assign(std::slice::from_ref(to))
    }

    fn positions(&mut self) -> Vec<(u32, i64)> {
        self.0.state().reads.iter().map(|read| (read.slot, read.next)).collect()
    }

    fn remote(&self) -> Arc<dyn Remote> {
        self.source()
    }

    fn close(self, _: Duration) {}
}

/// Acknowledges whatever is sent.
struct Yes;

impl Producer for Yes {
    fn send(&self, _: &OutRecord<'_>) -> Result<Delivery, SendError> {
        Ok(Box::pin(future::ready(Ok(()))))
    }

    fn check_topic(&self, _: &str, _: Duration) -> Result<(), BrokerError> {
        Ok(())
    }

    fn flush(&self, _: Duration) {}
}

/// Reaches the records.
pub(super) struct Connected(pub(super) Arc<Shelf>);

impl Connect for Connected {
    type Broker = Member;
    const NEW_TOPIC: Duration = Duration::ZERO;

    fn broker(&self, _: &Config) -> Result<Member, BrokerError> {
        Ok(Member(Arc::clone(&self.0)))
    }

    fn producer(&self, _: &Config) -> Result<Arc<dyn Producer>, BrokerError> {
        Ok(Arc::new(Yes))
    }
}
