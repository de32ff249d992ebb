//! Dead letters that are sent back to where their records came from.

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{config, settings, texts};
use healer::dead_letter::{self, Redrive, Redriven};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, Received, TestRecord};
use healer_tests::kafka::{RealKafka, Record};

const DEAD: &str = "dead";

#[stage(on_error = dead_letter("dead"))]
fn good(line: String) -> Result<String, String> {
    if line.starts_with("bad") { Err(format!("{line} is not good")) } else { Ok(line) }
}

/// Lines in `in`, of which those that are bad have become dead letters.
async fn buried(lines: &[&str]) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic(DEAD, 1).unwrap();
    let records = (0..).zip(lines).map(|(at, line)| {
        let record = TestRecord::new().key(format!("key {at}")).value(*line).timestamp(1_000 + at);
        record.header("trace", Some(format!("t{at}")))
    });
    kafka.produce("in", records).unwrap();
    bury(&kafka).await;
    kafka
}

/// Does what there is in `in`.
async fn bury(kafka: &EmbeddedKafka) {
    let app = pipeline! { name "p"; lines = kafka::string("in") => good; lines => heal; };
    app.run_until_end(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap();
}

async fn run(kafka: &EmbeddedKafka, redrive: Redrive) -> Redriven {
    redrive.run(&settings(kafka.brokers(), "group").build().unwrap()).await.unwrap()
}

fn counts(done: Redriven) -> [u64; 4] {
    [done.sent, done.filtered, done.exhausted, done.foreign]
}

/// The values of records from an offset on.
fn values(records: &[Received], from: i64) -> Vec<String> {
    let new = records.iter().filter(|record| record.offset >= from);
    new.map(|record| String::from_utf8(record.value.clone().unwrap_or_default()).unwrap()).collect()
}

fn header<'a>(record: &'a Received, name: &str) -> Option<&'a str> {
    std::str::from_utf8(record.headers.get(name)?).ok()
}

#[tokio::test]
async fn letters_go_back_as_their_records_came_in_once() {
    let kafka = buried(&["bad 0", "good 1", "bad 2"]).await;
    assert_eq!(counts(run(&kafka, Redrive::new(DEAD)).await), [2, 0, 0, 0]);
    let records = kafka.records("in").unwrap();
    assert_eq!(values(&records, 3), ["bad 0", "bad 2"]);
    let back = &records[3];
    assert_eq!(back.key.as_deref(), Some(&b"key 0"[..]));
    assert!(
        back.timestamp.is_some_and(|time| time > 1_600_000_000_000),
        "the time of now: {:?}",
        back.timestamp
    );
    let names: Vec<_> = back.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["trace", dead_letter::TIMESTAMP, dead_letter::REDRIVES]);
    assert_eq!(header(back, "trace"), Some("t0"));
    assert_eq!(header(back, dead_letter::TIMESTAMP), Some("1000"));
    assert_eq!(header(back, dead_letter::REDRIVES), Some("1"));

    assert_eq!(counts(run(&kafka, Redrive::new(DEAD)).await), [0; 4], "what was sent back is done with");
    assert_eq!(kafka.records("in").unwrap().len(), 5);
    assert_eq!(kafka.records(DEAD).unwrap().len(), 2);
}

#[tokio::test]
async fn a_limit_ends_the_way_of_a_letter_that_comes_again_and_again() {
    let kafka = buried(&["bad 0"]).await;
    for time in 1..=2 {
        assert_eq!(counts(run(&kafka, Redrive::new(DEAD).limit(2)).await), [1, 0, 0, 0], "time {time}");
        bury(&kafka).await;
        let letters = kafka.records(DEAD).unwrap();
        let last = letters.last().unwrap();
        assert_eq!(header(last, dead_letter::REDRIVES), Some(&*time.to_string()));
        assert_eq!(header(last, dead_letter::TIMESTAMP), Some("1000"), "the time that it had first");
        assert_eq!(header(last, dead_letter::OFFSET), Some(&*time.to_string()));
    }
    for _ in 0..2 {
        assert_eq!(counts(run(&kafka, Redrive::new(DEAD).limit(2)).await), [0, 0, 1, 0], "it is kept");
    }
    assert_eq!(counts(run(&kafka, Redrive::new(DEAD)).await), [1, 0, 0, 0], "three by default");
}

#[tokio::test]
async fn what_the_filter_leaves_is_kept_as_it_is_for_the_next_run() {
    let kafka = buried(&["bad 0", "bad 1", "bad 2", "bad 3"]).await;
    kafka.produce(DEAD, [TestRecord::new().value("of nowhere")]).unwrap();
    let before = kafka.records(DEAD).unwrap();
    let odd = Redrive::new(DEAD).filter(|letter| {
        assert_eq!(
            (letter.topic(), letter.partition(), letter.stage()),
            (Some("in"), Some(0), Some("lines.good"))
        );
        assert_eq!((letter.attempts(), letter.redrives()), (Some(1), 0));
        assert!(letter.error().is_some_and(|error| error.ends_with("is not good")));
        assert!(letter.timestamp().is_some() && letter.emit_id().is_some() && letter.key().is_some());
        letter.offset().is_some_and(|offset| offset % 2 == 1)
    });
    assert_eq!(counts(run(&kafka, odd).await), [2, 2, 0, 1]);
    assert_eq!(values(&kafka.records("in").unwrap(), 4), ["bad 1", "bad 3"]);
    let kept = kafka.records(DEAD).unwrap().split_off(5);
    assert_eq!(values(&kept, 0), ["bad 0", "bad 2", "of nowhere"]);
    for (kept, before) in kept.iter().zip([&before[0], &before[2], &before[4]]) {
        assert_eq!(kept.headers, before.headers);
        assert_eq!((&kept.key, kept.timestamp), (&before.key, before.timestamp));
    }
    assert_eq!(counts(run(&kafka, Redrive::new(DEAD)).await), [2, 0, 0, 1]);
    assert_eq!(values(&kafka.records("in").unwrap(), 6), ["bad 0", "bad 2"]);
}

#[tokio::test]
async fn a_record_with_several_letters_goes_back_once() {
    let kafka = buried(&["bad 0"]).await;
    let letter = &kafka.records(DEAD).unwrap()[0];
    let again =
        letter.headers.iter().fold(TestRecord::new().key("key 0").value("bad 0"), |record, (name, value)| {
            record.header(name, value.map(<[u8]>::to_vec))
        });
    kafka.produce(DEAD, [again]).unwrap();
    let done = run(&kafka, Redrive::new(DEAD)).await;
    assert_eq!((done.sent, done.repeated, done.kept()), (1, 1, 0));
    assert_eq!(kafka.records("in").unwrap().len(), 2);
}

#[tokio::test]
async fn a_topic_that_is_gone_ends_the_run_and_no_letter_is_lost() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic(DEAD, 1).unwrap();
    let letter = |topic: &str| TestRecord::new().value("x").header(dead_letter::TOPIC, Some(topic));
    kafka.create_topic("here", 1).unwrap();
    kafka.produce(DEAD, [letter("here"), letter("gone"), letter("here")]).unwrap();
    let config = settings(kafka.brokers(), "group").set("message.timeout.ms", "2000").connect_timeout("5s");
    let config = config.set("topic.metadata.propagation.max.ms", "100").build().unwrap();
    let error = Redrive::new(DEAD).run(&config).await.unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    kafka.create_topic("gone", 1).unwrap();
    let done = Redrive::new(DEAD).run(&config).await.unwrap();
    assert_eq!(done.sent, 3, "nothing was committed before all was acknowledged");
    assert_eq!(kafka.records("gone").unwrap().len(), 1);
    assert!(Redrive::new("nowhere").run(&config).await.unwrap_err().to_string().contains("\"nowhere\""));
}

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

/// How often each letter is in the topic, for readers of what is committed.
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
    let app = App::new("p").add(kafka::string(&other).stream("other").heal());
    let handle = app.start(config(kafka, &group)).await.unwrap();
    common::until("it is a member", || !handle.partitions().is_empty()).await;
    let error = Redrive::new(&*dead).group(&*group).run(&config(kafka, "unused")).await.unwrap_err();
    assert!(error.to_string().contains("in use by others"), "{error}");
    assert!(kafka.read_all(&topic).unwrap().is_empty());
    handle.stop();
    handle.join().await.unwrap();
    assert_eq!(Redrive::new(&*dead).group(&*group).run(&config(kafka, "unused")).await.unwrap().sent, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_though_letters_keep_coming() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 50);
    let all = || Redrive::new(&*dead);
    // What is kept in a transaction has a marker behind it, which is no letter.
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
    crash(Redrive::new(&*dead), kafka, 1_100).await;
    let done = Redrive::new(&*dead).run(&config(kafka, "unused")).await.unwrap();
    assert!((900..2_000).contains(&done.sent), "it went on where the last one was: {done:?}");
    let arrived = arrived(kafka, &topic);
    assert_eq!(arrived.len(), 2_000);
    assert!(arrived.values().all(|times| *times <= 2));
    assert_eq!(Redrive::new(&*dead).run(&config(kafka, "unused")).await.unwrap().sent, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_transactions_each_letter_is_there_once_also_after_a_crash() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, dead) = letters(kafka, 2_000);
    let redrive = || Redrive::new(&*dead).transactional(format!("redrive-{dead}"));
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
