//! A broker whose events and answers the test sets.

use std::{
    collections::BTreeMap,
    mem,
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use super::super::Connect;
use crate::{
    broker::{
        Assignment, Broker, BrokerError, BrokerErrorKind, Commit, CommitError, Committed, Event, Producer,
        ReadHeaders, RecordRef, Remote, Source, TopicPartition, Topics, Watermarks,
    },
    config::Config,
    record::Headers,
};

/// Partition `number` of the one topic.
pub(super) fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: number }
}

fn partitions(numbers: &[i32]) -> Vec<TopicPartition> {
    numbers.iter().map(|number| partition(*number)).collect()
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own.
pub(super) struct State {
    events: Vec<Event>,
    /// The engine's calls about partitions since the last look, in words.
    pub(super) told: Vec<String>,
    pub(super) committed: BTreeMap<i32, i64>,
    /// `0..10` where nothing else is said.
    pub(super) marks: BTreeMap<i32, Range<i64>>,
    /// Where a transaction is open.
    pub(super) open: BTreeMap<i32, i64>,
    slots: BTreeMap<i32, u32>,
    positions: BTreeMap<i32, i64>,
    records: Vec<(i32, i64)>,
    /// How questions fail.
    pub(super) fails: Option<BrokerErrorKind>,
    /// So many questions fail as those of brokers that are not ready do, then all is well.
    pub(super) not_ready: usize,
    pub(super) panics: bool,
    /// Events are asked for, and the client panics.
    pub(super) events_panic: bool,
    /// Questions get no answer.
    pub(super) hangs: bool,
    /// Somebody waits for one.
    pub(super) asked: bool,
    /// The test plays the poll thread now, and that may ask nobody.
    pub(super) polling: bool,
    /// Fetching waits for something to happen, as it does where threads are real.
    pub(super) waits: bool,
    /// The brokers tell no id of their cluster.
    pub(super) nameless: bool,
}

impl State {
    fn marks_of(&self, partition: &TopicPartition) -> Range<i64> {
        self.marks.get(&partition.partition).cloned().unwrap_or(0..10)
    }
}

/// The group; clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Group(Arc<(Mutex<State>, Condvar)>);

impl Group {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no one panics with it")
    }

    /// Changes how it answers, and wakes threads that wait for that.
    pub(super) fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.0.1.notify_all();
        result
    }

    pub(super) fn assign(&self, numbers: &[i32]) {
        self.set(|state| state.events.push(Event::Assigned(partitions(numbers))));
    }

    pub(super) fn revoke(&self, numbers: &[i32]) {
        self.set(|state| state.events.push(Event::Revoked(partitions(numbers))));
    }

    pub(super) fn lose(&self, numbers: &[i32]) {
        self.set(|state| state.events.push(Event::Lost(partitions(numbers))));
    }

    pub(super) fn say_out_of_range(&self) {
        self.set(|state| state.events.push(Event::OutOfRange("some offset does not exist".to_owned())));
    }

    /// Records that are fetched next.
    pub(super) fn put(&self, partition: i32, offsets: Range<i64>) {
        self.set(|state| state.records.extend(offsets.map(|offset| (partition, offset))));
    }

    /// Waits until the engine's threads have come there.
    pub(super) fn until(&self, mut there: impl FnMut(&State) -> bool) {
        let wait = Duration::from_secs(20);
        let waited = self.0.1.wait_timeout_while(self.state(), wait, |state| !there(state));
        assert!(!waited.expect("no one panics with it").1.timed_out(), "it does not come there");
    }

    pub(super) fn told(&self) -> Vec<String> {
        mem::take(&mut self.state().told)
    }

    /// Asks, and waits for the answer.
    fn ask<T>(&self, answer: impl FnOnce(&State) -> T) -> Result<T, BrokerError> {
        let state = self.state();
        let (polling, panics) = (state.polling, state.panics);
        drop(state);
        assert!(!polling, "the poll thread asks and waits");
        assert!(!panics, "the client is confused");
        self.set(|state| state.asked |= state.hangs);
        let mut state =
            self.0.1.wait_while(self.state(), |state| state.hangs).expect("no one panics with it");
        let not_ready = state.not_ready > 0;
        state.not_ready -= usize::from(not_ready);
        match state.fails.or(not_ready.then_some(BrokerErrorKind::Transient)) {
            Some(kind) => Err(BrokerError { kind, text: "it fails".to_owned() }),
            None => Ok(answer(&state)),
        }
    }
}

impl Connect for Group {
    type Broker = Member;

    fn patience(&self, config: &Config) -> Duration {
        config.start_budget()
    }

    fn broker(&self, _: &Config) -> Result<Member, BrokerError> {
        Ok(Member(self.clone()))
    }

    fn producer(&self, _: &Config) -> Result<Arc<dyn Producer>, BrokerError> {
        unreachable!("there is no sink")
    }
}

/// The one member.
pub(super) struct Member(Group);

fn words(what: &str, list: impl Iterator<Item = String>) -> String {
    list.fold(what.to_owned(), |words, next| words + " " + &next)
}

impl Broker for Member {
    type Source = Fetcher;

    fn source(&self) -> Arc<Fetcher> {
        Arc::new(Fetcher(self.0.clone()))
    }

    fn subscribe(&mut self, _: &[Topics]) -> Result<(), BrokerError> {
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        let panics = self.0.state().events_panic;
        assert!(!panics, "the client is beside itself");
        mem::take(&mut self.0.state().events)
    }

    fn assign(&mut self, list: &[Assignment]) -> Result<(), BrokerError> {
        let mut state = self.0.state();
        for to in list {
            state.slots.insert(to.partition.partition, to.slot);
            state.positions.insert(to.partition.partition, to.offset);
        }
        let list = list.iter().map(|to| format!("{}@{}", to.partition.partition, to.offset));
        state.told.push(words("assign", list));
        drop(state);
        self.0.0.1.notify_all();
        Ok(())
    }

    fn unassign(&mut self, list: &[TopicPartition]) -> Result<(), BrokerError> {
        let mut state = self.0.state();
        for partition in list {
            state.slots.remove(&partition.partition);
        }
        state.told.push(words("unassign", list.iter().map(|partition| partition.partition.to_string())));
        drop(state);
        self.0.0.1.notify_all();
        Ok(())
    }

    fn pause(&mut self, _: &[TopicPartition]) -> Result<(), BrokerError> {
        Ok(())
    }

    fn resume(&mut self, _: &[TopicPartition]) -> Result<(), BrokerError> {
        Ok(())
    }

    fn seek(&mut self, to: &Assignment) -> Result<(), BrokerError> {
        let mut state = self.0.state();
        state.positions.insert(to.partition.partition, to.offset);
        state.told.push(format!("seek {}@{}", to.partition.partition, to.offset));
        Ok(())
    }

    fn positions(&mut self) -> Vec<(u32, i64)> {
        let state = self.0.state();
        state.slots.iter().map(|(number, slot)| (*slot, state.positions[number])).collect()
    }

    fn remote(&self) -> Arc<dyn Remote> {
        Arc::new(self.0.clone())
    }

    fn close(self, _: Duration) {}
}

/// Its fetching end.
pub(super) struct Fetcher(Group);

impl Source for Fetcher {
    fn poll(&self, _: usize, wait: Duration, each: &mut dyn FnMut(&[RecordRef<'_>])) {
        let mut state = self.0.state();
        if state.waits && state.events.is_empty() && state.records.is_empty() {
            state = self.0.0.1.wait_timeout(state, wait).expect("no one panics with it").0;
        }
        let records = mem::take(&mut state.records);
        let mut lent = Vec::new();
        for (number, offset) in records {
            let Some(slot) = state.slots.get(&number).copied() else { continue };
            state.positions.insert(number, offset + 1);
            let (timestamp, key, value, headers) = (None, None, Some(&b"v"[..]), &NoHeaders as _);
            lent.push(RecordRef { slot, offset, leader_epoch: None, timestamp, key, value, headers });
        }
        drop(state);
        if !lent.is_empty() {
            each(&lent);
        }
    }
}

struct NoHeaders;

impl ReadHeaders for NoHeaders {
    fn read(&self, _: &mut Headers) {}
}

impl Remote for Group {
    fn commit(&self, offsets: &[Commit]) -> Result<(), CommitError> {
        let of = |commit: &Commit| (commit.partition.partition, commit.offset);
        self.state().committed.extend(offsets.iter().map(of));
        Ok(())
    }

    fn committed(&self, list: &[TopicPartition], _: Duration) -> Result<Vec<Option<Committed>>, BrokerError> {
        self.ask(|state| {
            let committed = |partition: &TopicPartition| {
                let offset = *state.committed.get(&partition.partition)?;
                Some(Committed { offset, metadata: Ok(String::new()) })
            };
            list.iter().map(committed).collect()
        })
    }

    fn watermarks(&self, list: &[TopicPartition], _: Duration) -> Result<Vec<Watermarks>, BrokerError> {
        self.ask(|state| {
            let marks = |partition: &TopicPartition| {
                let Range { start, end } = state.marks_of(partition);
                let stable = state.open.get(&partition.partition).map_or(end, |open| end.min(*open));
                Watermarks { first: start, stable, end }
            };
            list.iter().map(marks).collect()
        })
    }

    /// The record at an offset is as many milliseconds after 1970.
    fn offsets_at(&self, list: &[TopicPartition], millis: i64, _: Duration) -> Result<Vec<i64>, BrokerError> {
        self.ask(|state| {
            let at = |partition| {
                let Range { start, end } = state.marks_of(partition);
                millis.clamp(start, end)
            };
            list.iter().map(at).collect()
        })
    }

    fn cluster_id(&self, _: Duration) -> Option<String> {
        (!self.state().nameless).then(|| "cluster".to_owned())
    }

    fn partitions(&self, _: &[Topics], _: Duration) -> Result<Vec<TopicPartition>, BrokerError> {
        self.ask(|_| partitions(&[0, 1, 2]))
    }
}
