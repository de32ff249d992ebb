//! A sink whose records no broker takes waits, says so, and ends only when it is asked to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{Door, settings, texts, until};
use healer::{Handle, PartitionStatus, prelude::*};
use healer_tests::kafka::{RealKafka, RealKafkaOptions, Record};

/// From the tenth on they wait at the door: fetched before the broker goes, sent when it has gone.
#[stage]
async fn held(line: String, ctx: &Context, #[state] door: &Door) -> String {
    if ctx.offset() >= 10 {
        door.pass().await;
    }
    line
}

/// A broker of its own, and a pipeline that copies a topic.
struct Copies {
    kafka: RealKafka,
    from: String,
    to: String,
    group: String,
    door: Arc<Door>,
    handle: Handle,
}

impl Copies {
    /// Ten records are copied and committed. `None`, and a word about it, without a real Kafka.
    async fn start(more: &[(&str, &str)]) -> Option<Self> {
        let kafka = RealKafka::own_for_test(RealKafkaOptions::default())?;
        let [from, to, group] = ["from", "to", "group"].map(|base| kafka.unique(base));
        kafka.create_topic(&from, 1, &[]).unwrap();
        kafka.create_topic(&to, 1, &[]).unwrap();
        let door = Arc::<Door>::default();
        let app = pipeline! {
            name "copies"; lines = kafka::text(&from) => held => kafka::to_text(&to); lines => heal;
        };
        let mut settings =
            settings(kafka.brokers(), &group).drain_budget("2s").set("message.timeout.ms", "3000");
        for (key, value) in more {
            settings = settings.set(*key, *value);
        }
        let handle = app.with_arc(Arc::clone(&door)).start(settings.build().unwrap()).await.unwrap();
        let copies = Self { kafka, from, to, group, door, handle };
        copies.produce(0..10, 1);
        copies.is_committed(10).await;
        Some(copies)
    }

    fn produce(&self, numbers: std::ops::Range<usize>, width: usize) {
        let record = |n| Record::value(format!("{n:0>width$}")).key("k").partition(0);
        self.kafka.produce(&self.from, numbers.map(record)).unwrap();
    }

    async fn is_committed(&self, offset: i64) {
        until("all is committed", || {
            assert!(!self.handle.is_finished(), "a time-out ended it");
            self.handle.partitions().iter().any(|status| status.committed == Some(offset))
        })
        .await;
    }

    /// Waits until it is said that a record waits, and why.
    async fn says(&self, why: &str) {
        until(&format!("a record is said to wait: {why}"), || {
            assert!(!self.handle.is_finished(), "a time-out ended it");
            self.handle.health().sends.is_some_and(|sends| sends.reason.contains(why))
        })
        .await;
        let health = self.handle.health();
        let sends = health.sends.as_ref().unwrap();
        assert_eq!((&sends.stage, &sends.topic), (&format!("lines.held.{}", self.to), &self.from));
        assert!(!health.is_well());
    }

    /// All records arrived in order, and once for each time that they were done: a group that gave the member up meanwhile has its
    /// records done again from the committed offset on.
    async fn has_copied(self, count: usize) {
        self.is_committed(i64::try_from(count).unwrap()).await;
        assert!(self.handle.health().sends.is_none());
        self.handle.stop();
        let report = self.handle.join().await.unwrap();
        // Fenced records count, too: they were acknowledged after the partition had left this assignment.
        let done = report.healed + report.fenced;
        let numbers = texts(&self.kafka.read_all(&self.to).unwrap());
        let numbers: Vec<usize> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers.len() as u64, done, "{numbers:?}");
        assert_eq!((numbers.first(), numbers.last()), (Some(&0), Some(&(count - 1))));
        let in_order = |pair: &[usize]| pair[1] == pair[0] + 1 || (10..=pair[0]).contains(&pair[1]);
        assert!(numbers.windows(2).all(in_order), "{numbers:?}");
    }
}

/// Ten more records are in the stage, the broker is gone, and they go on to the sink.
async fn without_broker(more: &[(&str, &str)]) -> Option<Copies> {
    let copies = Copies::start(more).await?;
    copies.produce(10..20, 1);
    let is_held = |status: PartitionStatus| status.blocked.is_some_and(|blocked| blocked.offset == 10);
    until("the next one is held", || copies.handle.partitions().into_iter().any(is_held)).await;
    copies.kafka.kill();
    copies.door.open();
    copies.says("no broker is connected").await;
    Some(copies)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_no_broker_takes_waits_longer_than_any_time_out_and_arrives() {
    let Some(copies) = without_broker(&[("retries", "1")]).await else { return };
    // Three times as long as the client's settings let a message take.
    let waits = || copies.handle.health().sends.is_some_and(|sends| sends.lasting.as_secs() >= 9);
    until("it waits on", || waits() || copies.handle.is_finished()).await;
    assert!(!copies.handle.is_finished());
    copies.kafka.restart().unwrap();
    copies.has_copied(20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_no_broker_takes_a_record_ends_within_its_budget_and_commits_nothing_of_it() {
    let Some(copies) = without_broker(&[]).await else { return };
    let began = Instant::now();
    copies.handle.stop();
    // The drain has two seconds, and so have the look-ups for the report and the leaving.
    assert_eq!(copies.handle.join().await.unwrap().healed, 10);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    copies.kafka.restart().unwrap();
    assert_eq!(copies.kafka.committed(&copies.group, &copies.from).unwrap(), [(0, 10)].into());
    assert_eq!(copies.kafka.read_all(&copies.to).unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_throttles_is_waited_for_and_named() {
    let Some(copies) = Copies::start(&[("batch.size", "10000")]).await else { return };
    copies.kafka.limit_producers(Some(10_000)).unwrap();
    copies.produce(10..40, 10_000);
    copies.door.open();
    copies.says("throttles this client").await;
    copies.kafka.limit_producers(None).unwrap();
    copies.has_copied(40).await;
}
