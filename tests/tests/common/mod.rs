//! Helpers that the tests of whole pipelines share.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use healer::{Config, ConfigBuilder, Error, Handle, PartitionStatus, Protocol, RecordError, Report};
use healer_tests::kafka::{RealKafka, Record, Stored};

/// How long anything that a test waits for may take.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A configuration that commits often. The group joins in no time with either protocol.
pub fn settings(brokers: impl Into<String>, group: &str) -> ConfigBuilder {
    let builder = Config::builder().brokers(brokers).group(group);
    builder.protocol(Protocol::Consumer).commit_interval("20ms").poll_budget("20ms")
}

/// [`settings`] for a real broker.
pub fn config(kafka: &RealKafka, group: &str) -> Config {
    settings(kafka.brokers(), group).build().expect("the settings are right")
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not so after {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the broker has acknowledged these offsets.
pub async fn until_committed(handle: &Handle, wanted: &BTreeMap<i32, i64>) {
    let committed = || {
        let all = handle.partitions().into_iter();
        let own = all.filter_map(|status| Some((status.partition, status.committed?)));
        own.collect::<BTreeMap<_, _>>()
    };
    until(&format!("commits up to {wanted:?}"), || {
        assert!(!handle.is_finished(), "the pipeline ended before {wanted:?} was committed");
        let committed = committed();
        wanted.iter().all(|(partition, offset)| committed.get(partition).is_some_and(|now| now >= offset))
    })
    .await;
    assert_eq!(committed(), *wanted);
}

/// How a partition is.
pub fn status(handle: &Handle, partition: i32) -> Option<PartitionStatus> {
    let mut all = handle.partitions().into_iter();
    all.find(|status| status.partition == partition)
}

/// The record that ended a pipeline.
pub fn failed_record(result: Result<Report, Error>) -> Arc<RecordError> {
    match result {
        Err(Error::Record(error)) => error,
        Err(other) => panic!("ended by something else than a record: {other}"),
        Ok(report) => panic!("it did not fail: {report:?}"),
    }
}

/// The error and everything behind it, as one text.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(" <- ")
}

/// Records `line 0` and so on, each with a key of its own, evenly over the partitions.
pub fn lines(count: i32, partitions: i32) -> impl Iterator<Item = Record> {
    (0..count)
        .map(move |n| Record::value(format!("line {n}")).key(format!("key {n}")).partition(n % partitions))
}

/// The values of records as text.
pub fn texts(records: &[Stored]) -> Vec<String> {
    let text = |record: &Stored| String::from_utf8(record.value.clone().unwrap_or_default());
    records.iter().map(|record| text(record).expect("text")).collect()
}

/// The things that a stage saw, in its order.
#[derive(Debug)]
pub struct Seen<T>(Mutex<Vec<T>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Seen<T> {
    /// Notes one thing; says how many there are now.
    pub fn add(&self, one: T) -> usize {
        let mut all = self.lock();
        all.push(one);
        all.len()
    }

    /// How many things were noted.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// All that was noted.
    pub fn all(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.lock().clone()
    }

    /// Takes all that was noted.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A door that asynchronous stages wait at until it is opened.
#[derive(Debug)]
pub struct Door(tokio::sync::watch::Sender<bool>);

impl Default for Door {
    fn default() -> Self {
        Self(tokio::sync::watch::Sender::new(false))
    }
}

impl Door {
    /// Lets all through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the door is open.
    pub async fn pass(&self) {
        let mut open = self.0.subscribe();
        open.wait_for(|open| *open).await.expect("the door outlives those who wait");
    }
}

/// A gate that holds each thread that comes to it, until it is opened.
#[derive(Debug, Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets all through, now and later.
    pub fn open(&self) {
        *self.open.lock().expect("no one panics here") = true;
        self.opened.notify_all();
    }

    /// Waits until the gate is open, with the whole thread.
    pub fn pass(&self) {
        let open = self.open.lock().expect("no one panics here");
        drop(self.opened.wait_while(open, |open| !*open).expect("no one panics here"));
    }
}

/// A topic and a group of one test's own on the shared broker.
pub struct Ground {
    pub kafka: &'static RealKafka,
    pub topic: String,
    pub group: String,
    pub protocol: Protocol,
}

impl Ground {
    /// `None`, and a word about it, without a real Kafka.
    pub fn new(protocol: Protocol, partitions: u16) -> Option<Self> {
        Some(Self::over(RealKafka::for_test()?, protocol, partitions))
    }

    /// As [`new`](Self::new), on a broker of the test's own.
    pub fn over(kafka: &'static RealKafka, protocol: Protocol, partitions: u16) -> Self {
        let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
        kafka.create_topic(&topic, partitions, &[]).expect("a topic");
        Self { kafka, topic, group, protocol }
    }

    /// The group's committed offsets.
    pub fn committed(&self) -> BTreeMap<i32, i64> {
        self.kafka.committed(&self.group, &self.topic).expect("the group's offsets")
    }
}
