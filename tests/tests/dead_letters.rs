//! Records that failed for good, put aside in a topic.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::sync::Arc;

use common::{Seen, failed_record, settings, until};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, Received, TestRecord};
use healer::{Error, RecordErrorKind, Report, dead_letter};

const DEAD: &str = "dead";

#[derive(Debug, thiserror::Error)]
#[error("{0} was refused")]
struct Refused(String, #[source] Why);

#[derive(Debug, thiserror::Error)]
#[error("the moon is full")]
struct Why;

fn check(line: String) -> Result<String, Refused> {
    if line.contains("bad") { Err(Refused(line, Why)) } else { Ok(line) }
}

#[stage(on_error = dead_letter("dead"))]
fn fused(line: String) -> Result<String, Refused> {
    check(line)
}

#[stage(retry(2, backoff = "1ms"), on_error = dead_letter(DEAD))]
async fn awaited(line: String) -> Result<String, Refused> {
    check(line)
}

#[stage(parallel = 4, on_error = dead_letter("dead"))]
async fn parallel(line: String) -> Result<String, Refused> {
    check(line)
}

#[stage(parallel = 4, on_error = dead_letter("dead", quarantine = key))]
async fn by_key(line: String, #[state] seen: &Arc<Seen<String>>) -> Result<String, Refused> {
    seen.add(line.clone());
    check(line)
}

#[stage(timeout = "20ms", on_error = dead_letter("dead"))]
async fn in_time(line: String) -> String {
    if line.contains("bad") {
        std::future::pending::<()>().await;
    }
    line
}

#[stage(flat, on_error = dead_letter("dead"))]
fn words(line: String) -> Result<Vec<String>, Refused> {
    Ok(check(line)?.split(' ').map(str::to_owned).collect())
}

#[stage]
async fn shout(line: String) -> String {
    line.to_uppercase()
}

#[stage]
fn never_bad(line: String, #[state] seen: &Arc<Seen<String>>) -> String {
    assert!(!line.contains("BAD"), "{line} is too much");
    seen.add(line.clone());
    line
}

/// Topics `in` and `dead`, with these lines in the first.
fn filled(lines: &[&str]) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic(DEAD, 1).unwrap();
    let records = (0..).zip(lines).map(|(at, line)| {
        let record = TestRecord::new().key(format!("key {at}")).value(*line).timestamp(1_000 + at);
        record.header("trace", Some(format!("t{at}")))
    });
    kafka.produce("in", records).unwrap();
    kafka
}

async fn run(kafka: &EmbeddedKafka, app: App) -> Report {
    let report = app.run_until_end(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap();
    assert_eq!(report.lag, Some(0));
    report
}

fn header<'a>(letter: &'a Received, name: &str) -> &'a str {
    std::str::from_utf8(letter.headers.get(name).unwrap_or_default()).unwrap()
}

/// The letters' values.
fn values(letters: &[Received]) -> Vec<&str> {
    letters
        .iter()
        .map(|letter| std::str::from_utf8(letter.value.as_deref().unwrap_or_default()).unwrap())
        .collect()
}

#[tokio::test]
async fn a_dead_letter_is_the_record_as_it_came_in_and_says_what_went_wrong() {
    let apps: [(App, &str, &str, &str); 6] = [
        (
            pipeline! { name "p"; lines = kafka::text("in") => fused; lines => heal; },
            "lines.fused",
            "1",
            "bad 1 was refused: the moon is full",
        ),
        (
            pipeline! { name "p"; lines = kafka::text("in") => awaited; lines => heal; },
            "lines.awaited",
            "2",
            "bad 1 was refused: the moon is full",
        ),
        (
            pipeline! { name "p"; lines = kafka::text("in") => parallel; lines => heal; },
            "lines.parallel",
            "1",
            "bad 1 was refused: the moon is full",
        ),
        (
            pipeline! { name "p"; lines = kafka::text("in") => in_time; lines => heal; },
            "lines.in_time",
            "1",
            "not done after 20ms",
        ),
        (
            pipeline! { name "p"; lines = kafka::text("in") => words; lines => heal; },
            "lines.words",
            "1",
            "bad 1 was refused: the moon is full",
        ),
        (
            pipeline! { name "p"; lines = kafka::text("in") => shout => never_bad; lines => heal; }
                .with(Arc::<Seen<String>>::default())
                .on_error(OnError::dead_letter(DEAD)),
            "lines.shout.never_bad",
            "1",
            "a panic: BAD 1 is too much",
        ),
    ];
    for (app, stage, attempts, error) in apps {
        let kafka = filled(&["well 0", "bad 1", "well 2"]);
        let report = run(&kafka, app).await;
        assert_eq!((report.records, report.healed, report.dead_lettered), (3, 2, 1), "{stage}");
        let letters = kafka.records(DEAD).unwrap();
        assert_eq!(values(&letters), ["bad 1"], "{stage}");
        let letter = &letters[0];
        assert_eq!(letter.key.as_deref(), Some(&b"key 1"[..]));
        assert!(
            letter.timestamp.is_some_and(|millis| millis > 1_600_000_000_000),
            "the time of now: {letter:?}"
        );
        let id = header(letter, dead_letter::EMIT_ID);
        assert_eq!(id.len(), 36, "{id}");
        let wanted = [
            ("trace", "t1"),
            (dead_letter::TOPIC, "in"),
            (dead_letter::PARTITION, "0"),
            (dead_letter::OFFSET, "1"),
            (dead_letter::TIMESTAMP, "1001"),
            (dead_letter::STAGE, stage.rsplit('.').next().unwrap()),
            (dead_letter::PATH, stage),
            (dead_letter::ATTEMPTS, attempts),
            (dead_letter::ERROR, error),
        ];
        for (name, value) in wanted {
            assert_eq!(header(letter, name), value, "{name} at {stage}");
        }
        assert_eq!(letter.headers.len(), wanted.len() + 1, "{:?}", letter.headers);
    }
}

#[tokio::test]
async fn records_that_waited_have_all_their_headers_in_their_letters() {
    let apps = [
        pipeline! { name "p"; lines = kafka::text("in") => fused; lines => heal; },
        pipeline! { name "p"; lines = kafka::text("in") => awaited; lines => heal; },
    ];
    for app in apps {
        let kafka = filled(&["bad 0", "bad 1", "well 2", "bad 3"]);
        let config = settings(kafka.brokers(), "group").in_flight(1).build().unwrap();
        assert_eq!(app.run_until_end(config).await.unwrap().dead_lettered, 3);
        let letters = kafka.records(DEAD).unwrap();
        assert_eq!(
            letters.iter().map(|letter| header(letter, "trace")).collect::<Vec<_>>(),
            ["t0", "t1", "t3"]
        );
    }
}

#[tokio::test]
async fn many_values_of_a_record_that_fail_are_one_letter() {
    let kafka = filled(&["bad bad well bad"]);
    let lines = kafka::text("in").stream("lines").then(words::stage()).then(fused::stage());
    let report = run(&kafka, App::new("p").chain(lines.heal())).await;
    assert_eq!((report.records, report.dead_lettered), (1, 1));
    assert_eq!(values(&kafka.records(DEAD).unwrap()), ["bad bad well bad"]);
}

#[tokio::test]
async fn what_a_record_becomes_says_nothing_of_the_letter_that_it_was() {
    let kafka = filled(&[]);
    kafka.create_topic("out", 1).unwrap();
    let back = TestRecord::new().value("well").header(dead_letter::REDRIVES, Some("3"));
    let back = back.header(dead_letter::TIMESTAMP, Some("1000")).header("own", Some("mine"));
    kafka.produce("in", [back, TestRecord::new().value("new").header("own", Some("too"))]).unwrap();
    let app = App::new("p").chain(kafka::text("in").stream("in").then(kafka::to_text("out")).heal());
    run(&kafka, app).await;
    let out = kafka.records("out").unwrap();
    let names: Vec<Vec<_>> =
        out.iter().map(|record| record.headers.iter().map(|(name, _)| name).collect()).collect();
    assert_eq!(names, [["own"], ["own"]]);
}

#[tokio::test]
async fn an_undecodable_record_and_a_tombstone_go_as_they_are() {
    let kafka = filled(&[]);
    let odd = TestRecord::new().key("odd").value(vec![0xff, 0xfe]);
    kafka
        .produce("in", [odd, TestRecord::new().key("gone"), TestRecord::new().key("k").value("well")])
        .unwrap();
    let refuse = |line: Option<String>| line.ok_or("it is gone");
    let lines = kafka::text("in").tombstones().on_error(OnError::dead_letter(DEAD)).stream("lines");
    let app = App::new("p").on_error(OnError::dead_letter(DEAD)).chain(lines.try_map(refuse).heal());
    let report = run(&kafka, app).await;
    assert_eq!((report.healed, report.dead_lettered), (1, 2));
    let letters = kafka.records(DEAD).unwrap();
    let all: Vec<_> = letters.iter().map(|letter| (letter.key.as_deref(), letter.value.as_deref())).collect();
    assert_eq!(all, [(Some(&b"odd"[..]), Some(&[0xff, 0xfe][..])), (Some(b"gone"), None)]);
    assert_eq!(header(&letters[0], dead_letter::PATH), "lines");
    assert_eq!(header(&letters[1], dead_letter::PATH), "lines.try_map");
}

#[tokio::test]
async fn a_record_that_fails_on_one_way_goes_the_others_to_their_end() {
    for on_error in [OnError::Skip, OnError::dead_letter(DEAD)] {
        let kafka = filled(&["well", "bad", "BAD"]);
        let seen = Arc::<Seen<String>>::default();
        let ways = kafka::text("in").stream("in").fan_out(|all| all.then(never_bad::stage()).heal());
        let ways = ways.and(|all| all.map(|line: String| line + "!").then(never_bad::stage()).heal());
        let ways = ways.and(|all| {
            let all = all.try_map(|line: String| {
                if line == "bad" { Err("no") } else { Ok(format!("third {line}").to_lowercase()) }
            });
            all.then(never_bad::stage()).heal()
        });
        let app = App::new("p").on_error(on_error.clone()).with(Arc::clone(&seen)).chain(ways);
        let report = run(&kafka, app).await;
        let mut all = seen.all();
        all.sort();
        assert_eq!(all, ["bad", "bad!", "third bad", "third well", "well", "well!"]);
        let letters = kafka.records(DEAD).unwrap();
        if on_error == OnError::Skip {
            // A record that was healed on some way counts as healed.
            assert_eq!((report.healed, report.dead_lettered, letters.len()), (3, 0, 0));
        } else {
            assert_eq!((report.healed, report.dead_lettered), (1, 2));
            assert_eq!(values(&letters), ["bad", "BAD"], "one letter, on however many ways it failed");
        }
    }
}

#[tokio::test]
async fn a_record_that_comes_again_from_its_letter_says_what_went_wrong_last() {
    let kafka = filled(&[]);
    let old = TestRecord::new().value("bad").header(dead_letter::ERROR, Some("long ago"));
    kafka.produce("in", [old.header(dead_letter::OFFSET, Some("77")).header("own", Some("mine"))]).unwrap();
    run(&kafka, pipeline! { name "p"; lines = kafka::text("in") => fused; lines => heal; }).await;
    let letters = kafka.records(DEAD).unwrap();
    assert_eq!(header(&letters[0], dead_letter::OFFSET), "0");
    assert_eq!(header(&letters[0], dead_letter::ERROR), "bad was refused: the moon is full");
    let names: Vec<_> = letters[0].headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().filter(|name| **name == dead_letter::ERROR).count(), 1, "{names:?}");
    assert_eq!(header(&letters[0], "own"), "mine");
}

#[tokio::test]
async fn without_its_topic_no_pipeline_with_dead_letters_starts() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    let app = pipeline! { name "p"; lines = kafka::text("in") => fused; lines => heal; };
    let error = app.start(settings(kafka.brokers(), "group").build().unwrap()).await.err().unwrap();
    assert!(matches!(&error, Error::UnknownTopic(text) if text.contains("\"dead\"")), "{error}");
}

#[stage(batch)]
async fn store(rows: &Batch<String>) -> Result<(), Refused> {
    rows.iter().try_for_each(|(_, line)| check(line.clone()).map(drop))
}

#[tokio::test]
async fn no_policy_gives_up_a_batch_and_each_decides_about_records_that_a_sink_cannot_send() {
    for (on_error, skipped, letters) in [(OnError::Skip, 2, 0), (OnError::dead_letter(DEAD), 0, 2)] {
        let kafka = filled(&["well", "bad"]);
        let config = || settings(kafka.brokers(), "group").set("message.max.bytes", "1000").build().unwrap();
        let app = pipeline! { name "p"; kafka::text("in") => batch(2) => store => heal; };
        let error = failed_record(app.on_error(on_error.clone()).run_until_end(config()).await);
        assert_eq!((&error.kind, &*error.stage), (&RecordErrorKind::Stage, "in.batch.store"));
        assert!(kafka.records(DEAD).unwrap().is_empty());

        kafka.create_topic("out", 1).unwrap();
        let long = kafka::text("in").stream("in").map(|line: String| line.repeat(1_000));
        let app = App::new("p").on_error(on_error).chain(long.then(kafka::to_text("out")).heal());
        let report = app.run_until_end(config()).await.unwrap();
        assert_eq!((report.records, report.skipped.values().sum::<u64>()), (2, skipped));
        assert_eq!(report.dead_lettered, letters);
        assert_eq!(kafka.records(DEAD).unwrap().len() as u64, letters);
        assert!(kafka.records("out").unwrap().is_empty());
    }
}

#[test]
fn dead_letters_that_would_come_in_again_are_refused() {
    let config = Config::builder().brokers("nowhere:9092").build().unwrap();
    let named = pipeline! { name "p"; lines = kafka::text(["in", "dead"]) => fused; lines => heal; };
    let pattern = pipeline! { name "p"; lines = kafka::text("^d.*") => shout; lines => heal; };
    let pattern = pattern.on_error(OnError::dead_letter(DEAD));
    for (app, path) in [(named, "`lines.fused`"), (pattern, "`the pipeline`")] {
        let Err(Error::Build(error)) = app.build(&config) else { panic!("it is refused") };
        assert!(error.faults.len() == 1, "{error}");
        assert!(
            error.faults[0].contains(path) && error.faults[0].contains("`dead`, which `lines` reads"),
            "{error}"
        );
    }
}

#[test]
fn single_records_below_a_batch_are_given_up_by_no_node() {
    let rows = kafka::text("in").stream("in").batch(4);
    let lines = rows.map(|rows: Batch<String>| rows.iter().map(|(_, row)| row.clone()).collect::<String>());
    let app = App::new("p").chain(lines.then(fused::stage()).heal());
    let Err(Error::Build(error)) = app.build(&Config::builder().brokers("nowhere:9092").build().unwrap())
    else {
        panic!("it is refused")
    };
    assert!(error.to_string().contains("`in.batch.map.fused` is below a batch"), "{error}");
}

#[tokio::test]
async fn records_of_a_key_do_not_overtake_one_that_was_put_aside() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic(DEAD, 1).unwrap();
    let record = |key: &str, line: &str| TestRecord::new().key(key).value(line);
    let keyless = |line: &str| TestRecord::new().value(line);
    kafka
        .produce("in", [record("a", "a1"), record("a", "a2 bad"), record("b", "b1"), record("a", "a3")])
        .unwrap();
    kafka.produce("in", [keyless("bad"), keyless("well"), record("a", "a4"), record("b", "b2")]).unwrap();
    let seen = Arc::<Seen<String>>::default();
    let app = pipeline! { name "p"; lines = kafka::text("in") => by_key; lines => heal; };
    let app = app.with(Arc::clone(&seen));
    let handle = app.start(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap();
    until("all is done", || kafka.lag("group", "in").unwrap() == 0).await;
    let mut all = seen.take();
    all.sort();
    assert_eq!(all, ["a1", "a2 bad", "b1", "b2", "bad", "well"]);
    let letters = kafka.records(DEAD).unwrap();
    let mut of_a = values(&letters);
    of_a.retain(|line| line.starts_with('a'));
    assert_eq!(of_a, ["a2 bad", "a3", "a4"], "in their order");
    let untried = letters.iter().find(|letter| letter.value.as_deref() == Some(b"a3")).unwrap();
    assert!(header(untried, dead_letter::ERROR).starts_with("an earlier record of its key"), "{untried:?}");

    // A record that was sent back opens its key again.
    let back = |line: &str| record("a", line).header(dead_letter::REDRIVES, Some("1"));
    kafka.produce("in", [record("a", "a5"), back("a2"), back("a3"), record("a", "a6")]).unwrap();
    until("all is done", || kafka.lag("group", "in").unwrap() == 0).await;
    assert_eq!(seen.take(), ["a2", "a3", "a6"]);
    handle.stop();
    handle.join().await.unwrap();
}

#[test]
fn a_description_says_where_dead_letters_go() {
    let text =
        pipeline! { name "p"; lines = kafka::text("in") => fused; lines => heal; }.describe().to_string();
    assert!(text.contains("fused (stage) or dead letter to dead"), "{text}");
}
