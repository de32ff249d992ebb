//! Topics of dead letters that the program leaves to the configuration.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use common::settings;
use healer::dead_letter::{self, Redrive};
use healer::prelude::*;
use healer::testing::EmbeddedKafka;
use healer::{ConfigBuilder, Error};

#[stage(on_error = dead_letter)]
fn check(line: String) -> Result<String, String> {
    if line == "bad check" { Err(line) } else { Ok(line) }
}

#[stage(parallel = 4, on_error = dead_letter(quarantine = key))]
async fn charge(line: String) -> Result<String, String> {
    if line == "bad charge" { Err(line) } else { Ok(line) }
}

#[stage(on_error = dead_letter("literal.dead"))]
fn archive(line: String) -> Result<String, String> {
    if line == "bad archive" { Err(line) } else { Ok(line) }
}

#[stage]
fn send(line: String) -> Result<String, String> {
    if line == "bad send" { Err(line) } else { Ok(line) }
}

/// Every kind of node that may have dead letters. Those of `lines` are records that cannot be decoded.
fn app() -> App {
    let app = pipeline! {
        name "p";
        lines = kafka::text("in").on_error(OnError::ConfiguredDeadLetter);
        lines => check => charge => archive => send => heal;
    };
    app.on_error(OnError::ConfiguredDeadLetter)
}

const TOPICS: [&str; 3] = ["default.dead", "charge.dead", "literal.dead"];

fn filled() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    ["in"].iter().chain(&TOPICS).for_each(|topic| kafka.create_topic(topic, 1).unwrap());
    let lines = ["good", "bad check", "bad charge", "bad archive", "bad send"].map(str::as_bytes);
    let values = lines.into_iter().chain([b"\xff\xfe\xff".as_slice()]);
    let records = values.enumerate().map(|(n, value)| (Some(format!("key {n}")), Some(value.to_vec())));
    kafka.produce("in", records).unwrap();
    kafka
}

/// The path of the stage of each letter of a topic.
fn stages(kafka: &EmbeddedKafka, topic: &str) -> Vec<String> {
    let letters = kafka.records(topic).unwrap();
    let stage = |headers: &healer::Headers| {
        String::from_utf8(headers.get(dead_letter::PATH).unwrap_or_default().to_vec()).unwrap()
    };
    let mut stages: Vec<_> = letters.iter().map(|letter| stage(&letter.headers)).collect();
    stages.sort();
    stages
}

fn refused(app: App, config: ConfigBuilder) -> String {
    match app.build(&config.build().unwrap()) {
        Err(Error::Build(faults)) => faults.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was built"),
    }
}

#[tokio::test]
async fn letters_go_where_the_configuration_says_and_come_back_from_there() {
    let kafka = filled();
    let variables =
        [("HEALER_DEAD_LETTER_TOPIC", "default.dead"), ("HEALER_DEAD_LETTER_TOPIC_CHARGE", "charge.dead")];
    let config = settings(kafka.brokers(), "g").from_vars(variables).build().unwrap();
    let report = app().run_until_end(config.clone()).await.unwrap();
    assert_eq!((report.healed, report.dead_lettered), (1, 5));
    let path = "lines.check.charge.archive.send";
    assert_eq!(stages(&kafka, "default.dead"), ["lines", "lines.check", path]);
    assert_eq!(stages(&kafka, "charge.dead"), ["lines.check.charge"]);
    assert_eq!(stages(&kafka, "literal.dead"), ["lines.check.charge.archive"]);
    // With the same configuration the same stages have their letters there.
    for (topic, sent) in [("default.dead", 3), ("charge.dead", 1), ("literal.dead", 1)] {
        let done = Redrive::new(topic).of(&app()).run(&config).await.unwrap();
        assert_eq!((done.sent, done.kept()), (sent, 0), "{topic}");
    }
    let other = settings(kafka.brokers(), "g").dead_letter_topic("other.dead").build().unwrap();
    app().run_until_end(config).await.unwrap();
    let done = Redrive::new("charge.dead").of(&app()).run(&other).await.unwrap();
    assert_eq!((done.sent, done.foreign), (0, 1), "by that configuration no stage has letters there");
}

#[tokio::test]
async fn a_topic_for_a_stage_counts_before_the_one_in_the_program_and_other_stages_keep_theirs() {
    let kafka = filled();
    let config = settings(kafka.brokers(), "g").dead_letter_topic("default.dead");
    let config =
        config.dead_letter_topic_of("archive", "charge.dead").dead_letter_topic_of("SEND", "literal.dead");
    let app = app();
    app.run_until_end(config.build().unwrap()).await.unwrap();
    assert_eq!(stages(&kafka, "charge.dead"), ["lines.check.charge.archive"]);
    assert_eq!(stages(&kafka, "literal.dead"), ["lines.check.charge.archive.send"]);
    assert_eq!(stages(&kafka, "default.dead"), ["lines", "lines.check", "lines.check.charge"]);
}

#[test]
fn where_nobody_names_a_topic_the_error_names_stage_and_settings() {
    let text = refused(app(), settings("localhost:9092", "g"));
    for (path, variable) in [
        ("`lines` ", "HEALER_DEAD_LETTER_TOPIC_LINES"),
        ("`lines.check` ", "HEALER_DEAD_LETTER_TOPIC_CHECK"),
        ("`lines.check.charge` ", "`dead_letter_topic_of(\"charge\", …)`"),
        ("`the pipeline` ", "`dead_letter_topic` (HEALER_DEAD_LETTER_TOPIC)"),
    ] {
        assert!(text.contains(path) && text.contains(variable), "{path}{variable}: {text}");
    }
    assert!(!text.contains("archive"), "it names its topic itself: {text}");
    // Topics are set for some nodes: the error names the others.
    let some = settings("localhost:9092", "g")
        .dead_letter_topic_of("check", "dead")
        .dead_letter_topic_of("lines", "dead");
    let text = refused(app(), some);
    assert!(!text.contains("`lines.check` ") && text.contains("`lines.check.charge` "), "{text}");
}

#[test]
fn a_topic_that_the_pipeline_reads_is_refused_from_the_configuration_too() {
    let text = refused(app(), settings("localhost:9092", "g").dead_letter_topic("in"));
    assert!(text.contains("they would fail again and again"), "{text}");
}

#[test]
fn descriptions_name_the_topics_once_they_are_known() {
    let open = app().describe().to_string();
    assert!(open.contains("check (stage) or dead letter to the configuration's topic"), "{open}");
    let config = settings("localhost:9092", "g").dead_letter_topic("default.dead");
    let built =
        app().build(&config.dead_letter_topic_of("archive", "archive.dead").build().unwrap()).unwrap();
    let known = built.describe().to_string();
    assert!(known.contains("check (stage) or dead letter to default.dead"), "{known}");
    assert!(known.contains("archive (stage) or dead letter to archive.dead"), "{known}");
}

#[test]
fn the_configuration_refuses_what_is_no_topic_and_shows_what_is() {
    let wrong =
        settings("localhost:9092", "g").dead_letter_topic("no topic").dead_letter_topic_of("charge", "");
    let text = wrong.build().unwrap_err().to_string();
    assert!(
        text.contains("dead_letter_topic") && text.contains("no topic") && text.contains("1 to 249"),
        "{text}"
    );
    let variables = [("HEALER_DEAD_LETTER_TOPIC_BY_DAY", "days.dead")];
    let config = settings("localhost:9092", "g").from_vars(variables).build().unwrap();
    assert_eq!(
        (config.dead_letter_topic(), config.dead_letter_topic_of("by-day")),
        (None, Some("days.dead"))
    );
    let printed = config.print().to_string();
    assert!(printed.contains("dead_letter_topic = (none)  # default"), "{printed}");
    let of = "dead_letter_topic_of(by_day) = days.dead  # env HEALER_DEAD_LETTER_TOPIC_BY_DAY";
    assert!(printed.contains(of), "{printed}");
}
