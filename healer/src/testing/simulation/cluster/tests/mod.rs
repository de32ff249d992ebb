//! Scripts: one thing at a time, and its effects.

mod commits;
mod logs;
mod members;
mod rebalances;
mod sending;
mod storm;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::broker::{
    Assignment, Broker, BrokerErrorKind, Commit, CommitError, CommitErrorKind, Event, Source, TopicPartition,
    Topics,
};

const GROUP: &str = "g";
const SECOND: Duration = Duration::from_secs(1);
const ALL: [Protocol; 3] = [Protocol::Eager, Protocol::Cooperative, Protocol::Consumer];

fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition }
}

fn cluster(partitions: usize) -> Cluster {
    let cluster = Cluster::new(1, Settings::default());
    cluster.create_topic("t", partitions);
    cluster
}

/// Writes so many records to a partition.
fn put(cluster: &Cluster, partition: i32, records: usize) {
    for _ in 0..records {
        cluster.produce("t", partition, Some(b"k"), Some(b"v"), 7);
    }
}

/// A member with an application that keeps the records and events that it sees.
struct Member {
    broker: SimBroker,
    id: MemberId,
    cluster: Cluster,
    /// Where it goes on, by partition.
    next: BTreeMap<TopicPartition, i64>,
    slots: Vec<TopicPartition>,
    /// The records since the last look: partition and offset.
    seen: Vec<(i32, i64)>,
    /// The events since the last look, in words.
    told: Vec<String>,
}

impl Member {
    fn new(cluster: &Cluster, protocol: Protocol) -> Self {
        Self::of(cluster, None, protocol)
    }

    fn of(cluster: &Cluster, instance: Option<&str>, protocol: Protocol) -> Self {
        let mut broker = cluster.member(GROUP, instance, protocol);
        broker.subscribe(&[Topics::Named(vec!["t".into()])]).unwrap();
        let (id, cluster) = (broker.id(), cluster.clone());
        let (next, slots, seen, told) = Default::default();
        Self { broker, id, cluster, next, slots, seen, told }
    }

    /// Polls; notes the events and answers nothing.
    fn poll(&mut self) -> Vec<Event> {
        let Self { broker, slots, seen, next, .. } = self;
        broker.source().poll(100, SECOND, &mut |records| {
            for record in records {
                let partition = &slots[record.slot as usize];
                next.insert(partition.clone(), record.offset + 1);
                seen.push((partition.partition, record.offset));
            }
        });
        let events = broker.events();
        for event in &events {
            let (word, list) = match event {
                Event::Assigned(list) => ("assigned", list),
                Event::Revoked(list) => ("revoked", list),
                Event::Lost(list) => ("lost", list),
                Event::OutOfRange(_) => ("out of range", &vec![]),
                Event::Error(error) => {
                    self.told.push(format!("{:?}", error.kind));
                    continue;
                }
            };
            let numbers: Vec<i32> = list.iter().map(|partition| partition.partition).collect();
            self.told.push(if list.is_empty() { word.to_owned() } else { format!("{word} {numbers:?}") });
        }
        events
    }

    fn answer(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Assigned(list) if !list.is_empty() => self.assign(list),
                Event::Revoked(list) | Event::Lost(list) if !list.is_empty() => {
                    self.broker.unassign(&list).unwrap();
                }
                _ => {}
            }
        }
    }

    fn assign(&mut self, list: Vec<TopicPartition>) {
        let of = |partition: TopicPartition| {
            let offset = self.next.get(&partition).copied().unwrap_or(0);
            self.slots.push(partition.clone());
            Assignment { partition, slot: u32::try_from(self.slots.len() - 1).unwrap(), offset }
        };
        let list: Vec<_> = list.into_iter().map(of).collect();
        self.broker.assign(&list).unwrap();
    }

    fn run(&mut self) {
        let events = self.poll();
        self.answer(events);
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    fn seen(&mut self) -> Vec<(i32, i64)> {
        std::mem::take(&mut self.seen)
    }

    fn owned(&self) -> Vec<i32> {
        self.cluster.owned(self.id).iter().map(|partition| partition.partition).collect()
    }

    fn commit(&self, partition: i32, offset: i64) -> Result<(), CommitError> {
        self.commit_all(&[(partition, offset)])
    }

    fn commit_all(&self, offsets: &[(i32, i64)]) -> Result<(), CommitError> {
        let commit = |(partition, offset): &(i32, i64)| Commit {
            partition: tp(*partition),
            offset: *offset,
            metadata: String::new(),
        };
        let offsets: Vec<_> = offsets.iter().map(commit).collect();
        self.broker.remote().commit(&offsets)
    }

    /// The kind of error that a commit fails with.
    fn refused(&self, partition: i32, offset: i64) -> CommitErrorKind {
        self.commit(partition, offset).expect_err("the commit must be refused").kind
    }
}

/// Lets so many seconds pass, in which all members poll and answer.
fn pass(members: &mut [&mut Member], seconds: u32) {
    for _ in 0..seconds {
        if let Some(first) = members.first() {
            let cluster = first.cluster.clone();
            cluster.advance(cluster.now() + SECOND);
        }
        for member in members.iter_mut() {
            member.run();
        }
    }
}

/// A member alone in its group, with all partitions.
fn alone(cluster: &Cluster, protocol: Protocol) -> Member {
    let mut member = Member::new(cluster, protocol);
    pass(&mut [&mut member], 2);
    assert!(cluster.is_settled());
    member.told();
    member
}

/// Two members that share.
fn pair(cluster: &Cluster, protocol: Protocol) -> (Member, Member) {
    let mut first = alone(cluster, protocol);
    let mut second = Member::new(cluster, protocol);
    pass(&mut [&mut first, &mut second], 20);
    assert!(cluster.is_settled());
    first.told();
    second.told();
    (first, second)
}
