//! Dead letters that are sent back to where their records came from.
#![allow(clippy::needless_pass_by_value, reason = "a stage takes what flows in")]

#[path = "../common/mod.rs"]
mod common;
mod lives;
mod real;

use common::settings;
use healer::dead_letter::{self, Redrive, Redriven, Why};
use healer::testing::{EmbeddedKafka, Received, TestRecord};
use healer::{Error, prelude::*};

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

fn app() -> App {
    pipeline! { name "p"; lines = kafka::text("in") => good; lines => heal; }
}

/// Runs the pipeline over all records of `in`.
async fn bury(kafka: &EmbeddedKafka) {
    app().run_until_end(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap();
}

async fn run(kafka: &EmbeddedKafka, redrive: Redrive) -> Redriven {
    redrive.run(&settings(kafka.brokers(), "group").build().unwrap()).await.unwrap()
}

/// All letters, back to `in`.
fn all() -> Redrive {
    Redrive::new(DEAD).to(["in"])
}

fn counts(done: &Redriven) -> [u64; 4] {
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
    assert_eq!(counts(&run(&kafka, all()).await), [2, 0, 0, 0]);
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
    assert_eq!(names, ["trace", dead_letter::TIMESTAMP, dead_letter::ORIGIN, dead_letter::REDRIVES]);
    assert_eq!(header(back, "trace"), Some("t0"));
    assert_eq!(header(back, dead_letter::TIMESTAMP), Some("1000"));
    assert_eq!(header(back, dead_letter::ORIGIN), Some("in[0]@0"));
    assert_eq!(header(back, dead_letter::REDRIVES), Some("1"));

    assert_eq!(counts(&run(&kafka, all()).await), [0; 4], "what was sent back is done with");
    assert_eq!(kafka.records("in").unwrap().len(), 5);
    assert_eq!(kafka.records(DEAD).unwrap().len(), 2);
}

#[tokio::test]
async fn a_limit_ends_the_way_of_a_letter_that_comes_again_and_again() {
    let kafka = buried(&["bad 0"]).await;
    for time in 1..=2 {
        assert_eq!(counts(&run(&kafka, all().limit(2)).await), [1, 0, 0, 0], "time {time}");
        bury(&kafka).await;
        let letters = kafka.records(DEAD).unwrap();
        let last = letters.last().unwrap();
        assert_eq!(header(last, dead_letter::REDRIVES), Some(&*time.to_string()));
        assert_eq!(header(last, dead_letter::TIMESTAMP), Some("1000"), "the time that it had first");
        assert_eq!(header(last, dead_letter::OFFSET), Some(&*time.to_string()));
    }
    for _ in 0..2 {
        assert_eq!(counts(&run(&kafka, all().limit(2)).await), [0, 0, 1, 0], "it is kept");
    }
    assert_eq!(counts(&run(&kafka, all()).await), [1, 0, 0, 0], "three by default");
}

#[tokio::test]
async fn what_the_filter_leaves_is_kept_as_it_is_for_the_next_run() {
    let kafka = buried(&["bad 0", "bad 1", "bad 2", "bad 3"]).await;
    kafka.produce(DEAD, [TestRecord::new().value("of nowhere")]).unwrap();
    let before = kafka.records(DEAD).unwrap();
    let odd = all().filter(|letter| {
        assert_eq!(
            (letter.topic(), letter.partition(), letter.stage(), letter.path()),
            (Some("in"), Some(0), Some("good"), Some("lines.good"))
        );
        assert_eq!((letter.attempts(), letter.redrives()), (Some(1), 0));
        assert!(letter.error().is_some_and(|error| error.ends_with("is not good")));
        assert!(letter.timestamp().is_some() && letter.emit_id().is_some() && letter.key().is_some());
        letter.offset().is_some_and(|offset| offset % 2 == 1)
    });
    assert_eq!(counts(&run(&kafka, odd).await), [2, 2, 0, 1]);
    assert_eq!(values(&kafka.records("in").unwrap(), 4), ["bad 1", "bad 3"]);
    let kept = kafka.records(DEAD).unwrap().split_off(5);
    assert_eq!(values(&kept, 0), ["bad 0", "bad 2", "of nowhere"]);
    for (kept, before) in kept.iter().zip([&before[0], &before[2], &before[4]]) {
        assert_eq!(kept.headers, before.headers);
        assert_eq!(kept.key, before.key);
        assert!(kept.timestamp >= before.timestamp, "the time of now, which its topic keeps");
    }
    assert_eq!(counts(&run(&kafka, all()).await), [2, 0, 0, 1]);
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
    let done = run(&kafka, all()).await;
    assert_eq!((done.sent, done.repeated, done.kept()), (1, 1, 0));
    assert_eq!(kafka.records("in").unwrap().len(), 2);
}

/// A letter of a record of this topic, as `stage` left it.
fn letter(topic: &str, stage: &str, value: &str) -> TestRecord {
    let letter = TestRecord::new().value(value).header(dead_letter::TOPIC, Some(topic));
    letter.header(dead_letter::STAGE, Some(stage))
}

#[tokio::test]
async fn a_letter_for_a_topic_that_is_gone_is_kept_and_named_and_the_others_go_once() {
    let kafka = EmbeddedKafka::start().unwrap();
    for topic in ["here", DEAD] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let letters = (0..512).map(|n| letter(if n == 300 { "gone" } else { "here" }, "s", &n.to_string()));
    kafka.produce(DEAD, letters).unwrap();
    let redrive = || Redrive::new(DEAD).to(["here", "gone"]);
    for (time, sent) in [511, 0, 0].into_iter().enumerate() {
        let done = run(&kafka, redrive()).await;
        assert_eq!((done.sent, done.refused, done.kept()), (sent, 1, 1), "run {time}");
        let [gone] = done.reasons.as_slice() else { panic!("{done:?}") };
        assert_eq!((gone.why, gone.topic.as_deref(), gone.letters), (Why::Refused, Some("gone"), 1));
        assert!(gone.text.contains("\"gone\" does not exist"), "{gone}");
    }
    let mut arrived: Vec<usize> =
        values(&kafka.records("here").unwrap(), 0).iter().map(|n| n.parse().unwrap()).collect();
    arrived.sort_unstable();
    assert_eq!(arrived, (0..512).filter(|n| *n != 300).collect::<Vec<_>>());
    kafka.create_topic("gone", 1).unwrap();
    assert_eq!(run(&kafka, redrive()).await.sent, 1);
    assert_eq!(values(&kafka.records("gone").unwrap(), 0), ["300"]);
    let config = settings(kafka.brokers(), "group").build().unwrap();
    let error = Redrive::new("nowhere").to(["here"]).run(&config).await.unwrap_err();
    assert!(error.to_string().contains("\"nowhere\""), "{error}");
}

#[tokio::test]
async fn what_a_letter_says_alone_sends_it_nowhere() {
    let kafka = buried(&["bad 0"]).await;
    for topic in ["payments", "orders"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let forged = TestRecord::new().value("forged").header(dead_letter::TOPIC, Some("payments"));
    let of_other_stage = letter("in", "lines.other", "of no stage");
    let of_other_topic = letter("payments", "lines.good", "of no topic");
    kafka.produce(DEAD, [forged, of_other_stage, of_other_topic]).unwrap();

    let config = settings(kafka.brokers(), "group").build().unwrap();
    let error = Redrive::new(DEAD).run(&config).await.unwrap_err();
    assert!(matches!(error, Error::Redrive(_)), "{error:?}");
    assert!(error.to_string().contains(".of(&app)") && error.to_string().contains("--to"), "{error}");
    assert_eq!(kafka.records(DEAD).unwrap().len(), 4, "before the first letter");

    let done = run(&kafka, Redrive::new(DEAD).of(&app())).await;
    assert_eq!((done.sent, done.foreign, done.kept()), (1, 3, 3));
    assert_eq!(values(&kafka.records("in").unwrap(), 1), ["bad 0"]);
    let mut named: Vec<_> = done.reasons.iter().map(|kept| (kept.topic.as_deref(), kept.letters)).collect();
    named.sort_unstable();
    assert_eq!(named, [(Some("in"), 1), (Some("payments"), 2)]);
    assert!(done.reasons.iter().all(|kept| kept.why == Why::Foreign && kept.text.contains("`to`")));
    assert!(kafka.records("payments").unwrap().is_empty());

    let done = run(&kafka, Redrive::new(DEAD).to(["payments"])).await;
    assert_eq!((done.sent, done.foreign), (2, 1), "it is meant");
}
