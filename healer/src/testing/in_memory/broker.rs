//! A broker whose only member has all partitions from the beginning to the end, and whose answers are always yes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use super::{records::Part, runtime::OneThread};
use crate::{
    Config,
    broker::{
        Assignment, Broker, BrokerError, Commit, CommitError, Committed, Event, Producer, RecordRef, Remote,
        Source, TopicPartition, Topics, Watermarks,
    },
    engine::Connect,
};

/// All records, and how far they were read.
pub(super) struct Shelf {
    parts: Vec<Part>,
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
    part: usize,
    slot: u32,
    /// The place of its next record.
    next: usize,
    paused: bool,
}

impl Shelf {
    pub(super) fn new(parts: Vec<Part>, runtime: &Arc<OneThread>) -> Arc<Self> {
        let committed = parts.iter().map(|part| part.records.committed()).collect();
        let state = Mutex::new(State { committed, ..State::default() });
        Arc::new(Self { parts, runtime: Arc::clone(runtime), state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<TopicPartition> {
        self.parts.iter().map(|part| part.partition.clone()).collect()
    }

    /// The number of a partition.
    fn number(&self, partition: &TopicPartition) -> usize {
        self.parts.iter().position(|part| part.partition == *partition).unwrap_or(usize::MAX)
    }

    fn end(&self, partition: &TopicPartition) -> i64 {
        self.parts[self.number(partition)].records.end()
    }

    /// Takes the next records of the partition whose turn it is: its number and slot, and their places.
    fn take(&self, max: usize) -> Option<(usize, u32, std::ops::Range<usize>)> {
        let mut state = self.state();
        let State { reads, turn, .. } = &mut *state;
        for _ in 0..reads.len() {
            *turn = (*turn + 1) % reads.len();
            let read = &mut reads[*turn];
            let first = read.next;
            let end = self.parts[read.part].records.len().min(first.saturating_add(max));
            if first < end && !read.paused {
                read.next = end;
                return Some((read.part, read.slot, first..end));
            }
        }
        None
    }

    fn set_paused(&self, partitions: &[TopicPartition], paused: bool) {
        for read in &mut self.state().reads {
            if partitions.contains(&self.parts[read.part].partition) {
                read.paused = paused;
            }
        }
    }
}

impl Source for Shelf {
    fn poll(&self, max: usize, wait: Duration, each: &mut dyn FnMut(&[RecordRef<'_>])) {
        self.runtime.give_way();
        match self.take(max) {
            Some((part, slot, places)) => {
                each(&self.parts[part].records.lend(slot, places));
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
            state.committed[self.number(&commit.partition)] = Some(commit.offset);
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
        Ok(partitions.iter().map(|partition| state.committed[self.number(partition)].map(of)).collect())
    }

    fn watermarks(&self, partitions: &[TopicPartition], _: Duration) -> Result<Vec<Watermarks>, BrokerError> {
        Ok(partitions.iter().map(|partition| Watermarks::all_stable(0, self.end(partition))).collect())
    }

    fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        _: i64,
        _: Duration,
    ) -> Result<Vec<i64>, BrokerError> {
        Ok(vec![0; partitions.len()])
    }

    fn cluster_id(&self, _: Duration) -> Option<String> {
        // Each run is a cluster of its own: a store's rows from an earlier run say nothing of these records.
        Some(format!("in-memory-{}", Uuid::now_v7()))
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
        let read = |to: &Assignment| {
            let part = self.0.number(&to.partition);
            Read { part, slot: to.slot, next: self.0.parts[part].records.place(to.offset), paused: false }
        };
        self.0.state().reads.extend(partitions.iter().map(read));
        Ok(())
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.0.state().reads.retain(|read| !partitions.contains(&self.0.parts[read.part].partition));
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
        let position = |read: &Read| (read.slot, self.0.parts[read.part].records.offset(read.next));
        self.0.state().reads.iter().map(position).collect()
    }

    fn remote(&self) -> Arc<dyn Remote> {
        self.source()
    }

    fn close(self, _: Duration) {}
}

/// Reaches the records.
pub(super) struct Connected {
    pub(super) source: Arc<Shelf>,
    pub(super) producer: Arc<dyn Producer>,
}

impl Connect for Connected {
    type Broker = Member;

    fn broker(&self, _: &Config) -> Result<Member, BrokerError> {
        Ok(Member(Arc::clone(&self.source)))
    }

    fn patience(&self, _: &Config) -> Duration {
        Duration::ZERO
    }

    fn producer(&self, _: &Config) -> Result<Arc<dyn Producer>, BrokerError> {
        Ok(Arc::clone(&self.producer))
    }
}
