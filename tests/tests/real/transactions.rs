//! Transactions of producers that stay open: readers of committed records wait in front of them, and nothing is wrong or lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::{LIMIT, Seen, config, settings, status, texts, until, until_committed};
use healer::dead_letter::{self, Redrive};
use healer::prelude::*;
use healer::{Handle, OutOfRange, PartitionState, SeekTo, Start};
use healer_tests::kafka::{RealKafka, Record};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

type Offsets = Arc<Seen<i64>>;

#[stage]
fn note(line: String, ctx: &Context, #[state] seen: &Offsets) -> String {
    seen.add(ctx.offset());
    line
}

/// A topic of one partition, a group, and a producer with transactions.
struct Ground {
    kafka: &'static RealKafka,
    topic: String,
    group: String,
    producer: BaseProducer,
    seen: Offsets,
}

impl Ground {
    /// Ten records, a transaction that stays open with one, and 89 plain ones behind it.
    fn new() -> Option<Self> {
        let kafka = RealKafka::for_test()?;
        let (topic, group) = (kafka.unique("held"), kafka.unique("group"));
        kafka.create_topic(&topic, 1, &[]).unwrap();
        let mut settings = kafka.client_config();
        settings.set("transactional.id", kafka.unique("transaction"));
        let producer: BaseProducer = settings.create().unwrap();
        producer.init_transactions(LIMIT).unwrap();
        let ground = Self { kafka, topic, group, producer, seen: Offsets::default() };
        ground.produce(10);
        ground.open();
        ground.produce(89);
        Some(ground)
    }

    fn produce(&self, records: usize) {
        let plain = (0..records).map(|n| Record::value(format!("plain {n}")).partition(0));
        self.kafka.produce(&self.topic, plain).unwrap();
    }

    fn open(&self) {
        self.producer.begin_transaction().unwrap();
        let record = BaseRecord::<(), str>::to(&self.topic).payload("in a transaction").partition(0);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(LIMIT).unwrap();
    }

    fn end(&self, commit: bool) {
        if commit {
            self.producer.commit_transaction(LIMIT).unwrap();
        } else {
            self.producer.abort_transaction(LIMIT).unwrap();
        }
    }

    fn app(&self) -> App {
        pipeline! { name "held"; lines = kafka::text(&self.topic) => note; lines => heal; }
            .with(Arc::clone(&self.seen))
    }

    async fn start(&self, config: Config) -> Handle {
        self.app().start(config).await.unwrap()
    }

    fn config(&self) -> Config {
        config(self.kafka, &self.group)
    }

    fn has_committed(&self, offset: i64) {
        self.kafka.set_committed(&self.group, &self.topic, &BTreeMap::from([(0, offset)])).unwrap();
    }

    fn committed(&self) -> Option<i64> {
        self.kafka.committed(&self.group, &self.topic).unwrap().get(&0).copied()
    }
}

/// Waits until the transaction that begins at offset 10 is named.
async fn is_named(handle: &Handle) {
    until("the transaction is named", || {
        assert!(!handle.is_finished());
        status(handle, 0).is_some_and(|status| status.held_back.is_some_and(|held| held.offset == 10))
    })
    .await;
    let status = status(handle, 0).unwrap();
    assert_eq!((status.state, status.blocked), (PartitionState::HeldBack, None));
}

async fn stop(handle: &Handle) -> healer::Report {
    handle.stop();
    handle.join().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_behind_an_open_transaction_is_waited_for_whatever_out_of_range_says() {
    for policy in [OutOfRange::Error, OutOfRange::Earliest, OutOfRange::Latest] {
        let Some(ground) = Ground::new() else { return };
        ground.has_committed(100);
        let settings = settings(ground.kafka.brokers(), &ground.group).out_of_range(policy);
        let handle = ground.start(settings.build().unwrap()).await;
        is_named(&handle).await;
        ground.produce(5);
        until("what came since is lag", || status(&handle, 0).is_some_and(|now| now.lag() == Some(5))).await;
        assert_eq!((ground.committed(), ground.seen.len()), (Some(100), 0));
        ground.end(false);
        until_committed(&handle, &BTreeMap::from([(0, 106)])).await;
        assert_eq!(ground.seen.take(), [100, 101, 102, 103, 104], "{policy:?}");
        assert_eq!(stop(&handle).await.lag, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_to_the_end_waits_for_the_end_that_it_took() {
    for (commit, healed) in [(true, 100), (false, 99)] {
        let Some(ground) = Ground::new() else { return };
        let run = tokio::spawn(ground.app().run_until_end(ground.config()));
        until("what can be read is committed", || ground.committed() == Some(10)).await;
        assert!(!run.is_finished());
        ground.end(commit);
        let report = tokio::time::timeout(LIMIT, run).await.unwrap().unwrap().unwrap();
        assert_eq!((report.healed, report.lag), (healed, Some(0)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_open_transaction_holds_back_is_lag_and_a_fault_only_where_a_setting_says_so() {
    let Some(ground) = Ground::new() else { return };
    let handle = ground.start(ground.config()).await;
    is_named(&handle).await;
    assert_eq!(status(&handle, 0).unwrap().lag(), Some(90));
    assert!(handle.health().is_well() && handle.health().faults().is_empty(), "{:?}", handle.health());
    assert_eq!(stop(&handle).await.lag, Some(90));
    let settings = settings(ground.kafka.brokers(), &ground.group).held_back_after("1s");
    let handle = ground.start(settings.build().unwrap()).await;
    until("it is a fault", || !handle.health().faults().is_empty()).await;
    let health = handle.health();
    assert!(!health.is_well() && health.held_back[0].held_back.lasting >= Duration::from_secs(1));
    assert!(health.faults()[0].contains(&format!("{}[0]@10", ground.topic)), "{:?}", health.faults());
    ground.end(true);
    until_committed(&handle, &BTreeMap::from([(0, 101)])).await;
    until("it is past", || handle.health().is_well()).await;
    assert_eq!(status(&handle, 0).unwrap().state, PartitionState::Running);
    assert_eq!(stop(&handle).await.lag, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_uncommitted_records_waits_for_nothing() {
    let Some(ground) = Ground::new() else { return };
    let settings = settings(ground.kafka.brokers(), &ground.group).set("isolation.level", "read_uncommitted");
    let report = ground.app().run_until_end(settings.build().unwrap()).await.unwrap();
    assert_eq!((report.healed, report.lag), (100, Some(0)));
    // The same group with the default: its committed offset is ahead of the records that it may read.
    let handle = ground.start(ground.config()).await;
    is_named(&handle).await;
    ground.end(true);
    until_committed(&handle, &BTreeMap::from([(0, 101)])).await;
    assert_eq!(stop(&handle).await.healed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latest_and_seeks_to_the_end_skip_nothing_that_is_held_back() {
    let Some(ground) = Ground::new() else { return };
    let settings = settings(ground.kafka.brokers(), &ground.group).start(Start::Latest);
    let handle = ground.start(settings.build().unwrap()).await;
    is_named(&handle).await;
    assert_eq!(handle.seek(&ground.topic, 0, SeekTo::Offset(95)).await.unwrap(), 95);
    is_named(&handle).await;
    assert_eq!(handle.seek(&ground.topic, 0, SeekTo::Latest).await.unwrap(), 10);
    ground.end(true);
    until_committed(&handle, &BTreeMap::from([(0, 101)])).await;
    assert_eq!(ground.seen.take(), (10..100).collect::<Vec<_>>());
    assert_eq!(stop(&handle).await.lag, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redrive_waits_for_letters_behind_an_open_transaction() {
    let Some(ground) = Ground::new() else { return };
    let dead = ground.kafka.unique("dead");
    ground.kafka.create_topic(&dead, 1, &[]).unwrap();
    let letters = |range: std::ops::Range<usize>| {
        let letter = |n: usize| Record::value(n.to_string()).header(dead_letter::TOPIC, &*ground.topic);
        ground.kafka.produce(&dead, range.map(letter)).unwrap();
    };
    letters(0..3);
    // The transaction that is open already takes part in this topic as well.
    ground.producer.send(BaseRecord::<(), str>::to(&dead).payload("no letter")).map_err(|(e, _)| e).unwrap();
    ground.producer.flush(LIMIT).unwrap();
    letters(3..5);
    let group = ground.kafka.unique("redrive");
    let config = settings(ground.kafka.brokers(), "unused").connect_timeout("5s").build().unwrap();
    let redrive = || Redrive::new(&*dead).to([&*ground.topic]).group(&*group);
    let run = tokio::spawn({
        let (redrive, config) = (redrive(), config.clone());
        async move { redrive.run(&config).await }
    });
    let committed = || ground.kafka.committed(&group, &dead).unwrap().get(&0).copied();
    until("what can be read is sent back", || committed() == Some(3)).await;
    // Silence of the topic is an error but where a transaction is the reason.
    let waits = Instant::now();
    until("silence has lasted", || run.is_finished() || waits.elapsed() > Duration::from_secs(6)).await;
    assert!(!run.is_finished(), "{:?}", run.await);
    ground.end(false);
    let done = tokio::time::timeout(LIMIT, run).await.unwrap().unwrap().unwrap();
    assert_eq!((done.sent, done.kept()), (5, 0));
    let back = texts(&ground.kafka.read_all(&ground.topic).unwrap());
    assert_eq!(back.iter().filter(|text| text.len() == 1).count(), 5, "{back:?}");
    assert_eq!(redrive().run(&config).await.unwrap().sent, 0);
}
