//! Redrives on a real Kafka: groups, crashes, transactions, topics that refuse records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use healer::dead_letter::{self, Redrive, Why};
use healer::prelude::*;
use healer_tests::kafka::{RealKafka, Record};

use super::common::{config, texts, until};

/// Letters `0` to `count` of a topic, in two partitions, and that topic.
fn letters(kafka: &RealKafka, count: usize) -> (String, String) {
    let (topic, dead) = (kafka.unique("lines"), kafka.unique("dead"));
    kafka.create_topic(&topic, 2, &[]).unwrap();
    kafka.create_topic(&dead, 2, &[]).unwrap();
    let letter = |n: usize| {
        let letter = Record::value(n.to_string()).key(format!("key {n}"));
        letter.header(dead_letter::TOPIC, &*topic)
    };
    kafka.produce(&dead, (0..count).map(letter)).unwrap();
    (topic, dead)
}

/// How often each letter is in the topic, for readers of committed records.
fn arrived(kafka: &RealKafka, topic: &str) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for text in texts(&kafka.read_all(topic).unwrap()) {
        *all.entry(text).or_default() += 1;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_that_is_in_use_nothing_is_sent() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 5);
    let (other, group) = (kafka.unique("other"), kafka.unique("group"));
    kafka.create_topic(&other, 1, &[]).unwrap();
    let app = App::new("p").chain(kafka::text(&other).stream("other").heal());
    let handle = app.start(config(kafka, &group)).await.unwrap();
    until("it is a member", || !handle.partitions().is_empty()).await;
    let error =
        Redrive::new(&*dead).to([&*topic]).group(&*group).run(&config(kafka, "unused")).await.unwrap_err();
    assert!(error.to_string().contains("in use by others"), "{error}");
    assert!(kafka.read_all(&topic).unwrap().is_empty());
    handle.stop();
    handle.join().await.unwrap();
    assert_eq!(
        Redrive::new(&*dead).to([&*topic]).group(&*group).run(&config(kafka, "unused")).await.unwrap().sent,
        5
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_group_of_a_pipeline_that_rests_nothing_is_sent_and_its_offsets_stay() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 5);
    let group = kafka.unique("group");
    let app = || App::new("p").chain(kafka::text(&dead).stream("dead").map(drop).heal());
    app().run_until_end(config(kafka, &group)).await.unwrap();
    kafka.produce(&dead, [Record::value("a letter that the pipeline has not read".to_owned())]).unwrap();
    let redrive = || Redrive::new(&*dead).to([&*topic]);
    let error = redrive().group(&*group).run(&config(kafka, "unused")).await.unwrap_err().to_string();
    assert!(
        error.contains("nothing was sent") && error.contains(&*dead) && error.contains("`.group"),
        "{error}"
    );
    assert!(kafka.read_all(&topic).unwrap().is_empty());
    let report = app().run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!(report.healed, 1);
    assert_eq!(redrive().run(&config(kafka, "unused")).await.unwrap().sent, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_though_letters_keep_coming() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 50);
    let all = || Redrive::new(&*dead).to([&*topic]);
    // Letters that are kept in a transaction have its marker behind them, which is no letter.
    all()
        .filter(|_| false)
        .transactional(format!("keep-{dead}"))
        .run(&config(kafka, "unused"))
        .await
        .unwrap();
    let run = tokio::spawn({
        let (redrive, config) = (all(), config(kafka, "unused"));
        async move { redrive.run(&config).await }
    });
    let mut more = 0;
    while !run.is_finished() {
        more += 1;
        assert!(more < 2_000, "it does not end");
        kafka.produce(&dead, [Record::value("more").key(format!("more {}", more % 2))]).unwrap();
    }
    assert_eq!(run.await.unwrap().unwrap().sent, 50);
    assert_eq!(kafka.read_all(&topic).unwrap().len(), 50);
}

/// A run that ends with its process, or nearly so: its filter panics at the letter of that number.
async fn crash(redrive: Redrive, kafka: &RealKafka, at: usize) {
    let seen = AtomicUsize::new(0);
    let redrive = redrive.filter(move |_| {
        assert!(seen.fetch_add(1, Ordering::Relaxed) < at, "the power is gone");
        true
    });
    let config = config(kafka, "unused");
    let run = tokio::spawn(async move { redrive.run(&config).await });
    assert!(run.await.is_err(), "it ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_letters_may_be_there_twice_and_none_is_lost() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 2_000);
    let redrive = || Redrive::new(&*dead).to([&*topic]);
    crash(redrive(), kafka, 1_100).await;
    let done = redrive().run(&config(kafka, "unused")).await.unwrap();
    assert!((900..2_000).contains(&done.sent), "it went on where the last one was: {done:?}");
    let arrived = arrived(kafka, &topic);
    assert_eq!(arrived.len(), 2_000);
    assert!(arrived.values().all(|times| *times <= 2));
    assert_eq!(redrive().run(&config(kafka, "unused")).await.unwrap().sent, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_transactions_each_letter_is_there_once_also_after_a_crash() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 2_000);
    let redrive = || Redrive::new(&*dead).to([&*topic]).transactional(format!("redrive-{dead}"));
    crash(redrive(), kafka, 1_100).await;
    let before = arrived(kafka, &topic).len();
    assert!((1..2_000).contains(&before), "{before}");
    let done = redrive().run(&config(kafka, "unused")).await.unwrap();
    assert_eq!(usize::try_from(done.sent).unwrap() + before, 2_000);
    let arrived = arrived(kafka, &topic);
    assert_eq!(arrived.len(), 2_000);
    assert!(arrived.values().all(|times| *times == 1));
    assert_eq!(redrive().run(&config(kafka, "unused")).await.unwrap().sent, 0);
}

/// One run over letters of which some cannot go, then two more; the values that arrived.
async fn thrice(kafka: &RealKafka, dead: &str, redrive: impl Fn() -> Redrive, sent: u64, refused: u64) {
    for run in 0..3 {
        let done = redrive().run(&config(kafka, "unused")).await.unwrap();
        assert_eq!(
            (done.sent, done.refused),
            (if run == 0 { sent } else { 0 }, refused),
            "run {run}: {done:?}"
        );
        assert!(done.reasons.iter().all(|kept| kept.why == Why::Refused && kept.topic.is_some()), "{done:?}");
    }
    assert_eq!(kafka.read_all(dead).unwrap().len() as u64, sent + refused + 3 * refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_gone_holds_up_no_letter_of_another_one() {
    let Some(kafka) = RealKafka::for_test() else { return };
    for is_transactional in [false, true] {
        let (here, gone, dead) = (kafka.unique("here"), kafka.unique("gone"), kafka.unique("dead"));
        kafka.create_topic(&here, 1, &[]).unwrap();
        kafka.create_topic(&dead, 1, &[]).unwrap();
        let letter = |n: usize| {
            let topic = if n == 200 { &*gone } else { &*here };
            Record::value(n.to_string()).header(dead_letter::TOPIC, topic)
        };
        kafka.produce(&dead, (0..512).map(letter)).unwrap();
        let redrive = || {
            let redrive = Redrive::new(&*dead).to([&*here, &*gone]);
            if is_transactional { redrive.transactional(format!("redrive-{dead}")) } else { redrive }
        };
        thrice(kafka, &dead, redrive, 511, 1).await;
        let arrived = arrived(kafka, &here);
        assert!(arrived.len() == 511 && arrived.values().all(|times| *times == 1), "{is_transactional}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_that_their_topic_refuses_are_kept_and_poison_no_other() {
    let Some(kafka) = RealKafka::for_test() else { return };
    for is_transactional in [false, true] {
        let (small, compacted, dead) =
            (kafka.unique("small"), kafka.unique("compacted"), kafka.unique("dead"));
        kafka.create_topic(&small, 1, &[("max.message.bytes", "10000")]).unwrap();
        kafka.create_topic(&compacted, 1, &[("cleanup.policy", "compact")]).unwrap();
        kafka.create_topic(&dead, 1, &[]).unwrap();
        let letter = |n: usize| {
            let record = |size: usize| Record::value(format!("{n} {}", "x".repeat(size)));
            match n {
                70 | 71 => record(20_000).header(dead_letter::TOPIC, &*small),
                n if n % 10 == 5 => {
                    let record = record(5).header(dead_letter::TOPIC, &*compacted);
                    if n == 45 { record } else { record.key(format!("key {n}")) }
                }
                // More of them than one batch of that topic may have.
                _ => record(500).header(dead_letter::TOPIC, &*small),
            }
        };
        kafka.produce(&dead, (0..100).map(letter)).unwrap();
        let redrive = || {
            let redrive = Redrive::new(&*dead).to([&*small, &*compacted]);
            if is_transactional { redrive.transactional(format!("redrive-{dead}")) } else { redrive }
        };
        thrice(kafka, &dead, redrive, 97, 3).await;
        let (small, compacted) = (arrived(kafka, &small), arrived(kafka, &compacted));
        assert_eq!((small.len(), compacted.len()), (88, 9), "{is_transactional}");
        assert!(small.values().chain(compacted.values()).all(|times| *times == 1), "{is_transactional}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_kept_however_old_it_is() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = (kafka.unique("lines"), kafka.unique("dead"));
    kafka.create_topic(&topic, 1, &[]).unwrap();
    // As it was written before its topic became strict.
    kafka.create_topic(&dead, 1, &[("message.timestamp.before.max.ms", "9000000000000")]).unwrap();
    let letter = Record::value("old").header(dead_letter::TOPIC, &*topic).timestamp(1_000);
    kafka.produce(&dead, [letter]).unwrap();
    kafka.alter_topic(&dead, &[("message.timestamp.before.max.ms", "3600000")]).unwrap();
    let none = || Redrive::new(&*dead).to([&*topic]).filter(|_| false);
    assert_eq!(none().run(&config(kafka, "unused")).await.unwrap().filtered, 1);
    let kept = kafka.read_all(&dead).unwrap();
    assert!(kept[1].timestamp.is_some_and(|millis| millis > 1_600_000_000_000), "{kept:?}");
}
