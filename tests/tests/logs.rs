//! Log lines of a whole program: its own, by `tracing` and by `log`, and the engine's, each with the record that it is about.

mod common;

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;
use std::time::Duration;

use common::settings;
use healer::config::LogSettings;
use healer::observe::{LogsError, init_logs, log_error};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};
use serde_json::{Value, json};

/// The variable that tells a child process how to write its lines.
const FORMAT: &str = "HEALER_TEST_LOG_FORMAT";

const RECORDS: u8 = 8;

/// A value that logs when it is logged.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(it = ?Self, "a line about a line");
        f.write_str("chatty")
    }
}

#[stage]
fn notes(line: String, ctx: &Context) -> String {
    tracing::info!(expected = %ctx.emit_id(), it = ?Chatty, "noted by tracing");
    log::info!("noted by log");
    line
}

#[stage]
async fn waits(line: String, ctx: &Context) -> String {
    tokio::time::sleep(Duration::from_millis(1)).await;
    tracing::info!(expected = %ctx.emit_id(), "noted after a pause");
    line
}

#[stage(parallel = 4)]
async fn beside(line: String, ctx: &Context) -> String {
    tokio::time::sleep(Duration::from_millis(1)).await;
    tracing::info!(expected = %ctx.emit_id(), "noted beside others");
    line
}

#[stage(on_error = skip)]
fn refuses_2(line: String) -> Result<String, String> {
    if line == "2" { Err("two is not liked".to_owned()) } else { Ok(line) }
}

#[stage(batch)]
fn saves(rows: &Batch<String>) {
    tracing::info!(rows = rows.len(), "a batch by tracing");
    log::info!("a batch by log");
}

fn app() -> App {
    pipeline! {
        name "logs";
        lines = kafka::text("t") => notes => waits => beside => refuses_2;
        lines => batch(4, within = "50ms") => saves => heal;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other half of the tests below: a process of its own"]
async fn program() {
    let mut logs = LogSettings::default();
    logs.json = std::env::var(FORMAT).expect("started by another test") == "json";
    init_logs(&logs).unwrap();
    assert_eq!(init_logs(&logs), Err(LogsError::Installed));
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("t", 1).unwrap();
    kafka.produce("t", (0..RECORDS).map(|n| TestRecord::new().value(n.to_string()))).unwrap();
    let config = settings(kafka.brokers(), "logs").build().unwrap();
    let report = app().run_until_end(config).await.unwrap();
    assert_eq!(report.records, u64::from(RECORDS));
}

/// The text that the program above writes to its standard error.
fn written(format: &str) -> String {
    written_by("program", format)
}

fn written_by(program: &str, format: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", program, "--ignored", "--nocapture"]).env(FORMAT, format);
    let output = command.output().unwrap();
    let written = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{written}\n{}", String::from_utf8_lossy(&output.stdout));
    written
}

#[test]
#[ignore = "the other half of the tests below: a process of its own"]
fn wrong_program() {
    let vars =
        [("ENABLE_JSON_LOGGING", "yes"), ("HEALER_IN_FLIGHT", "none"), ("HEALER_BROKERS", "nowhere:9092")];
    let run = || -> Result<(), Box<dyn std::error::Error>> {
        let config = match std::env::var(FORMAT).expect("started by another test").as_str() {
            "settings" => Config::builder().from_vars(vars).build()?,
            _ => Config::builder().brokers("nowhere:9092").log_json(true).log_level("loud").build()?,
        };
        Ok(init_logs(config.logs())?)
    };
    log_error(&*run().unwrap_err());
}

#[test]
fn settings_that_are_wrong_are_told_as_json_where_json_is_asked_for() {
    for (what, wanted) in [
        ("settings", "a setting is wrong: `in_flight` = `none` (env HEALER_IN_FLIGHT)"),
        ("level", "a setting is wrong: `log_level` = `loud` (builder)"),
    ] {
        let written = written_by("wrong_program", what);
        let lines: Vec<Value> = written
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect();
        let [line] = &lines[..] else { panic!("{written}") };
        assert_eq!(line["level"], "ERROR", "{line}");
        assert!(line["msg"].as_str().is_some_and(|text| text.starts_with(wanted)), "{line}");
    }
}

fn that_say<'l>(lines: &'l [Value], msg: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["msg"] == msg).collect()
}

fn emit_ids(lines: &[&Value]) -> BTreeSet<String> {
    lines.iter().map(|line| line["emit_id"].as_str().expect("an emit id").to_owned()).collect()
}

#[test]
fn each_line_in_json_tells_the_record_or_the_batch_that_it_is_about() {
    let written = written("json");
    let lines: Vec<Value> = written
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();

    let records = emit_ids(&that_say(&lines, "noted by tracing"));
    assert_eq!(records.len(), usize::from(RECORDS));
    for (msg, stage, function) in [
        ("noted by tracing", "lines.notes", "notes"),
        ("noted by log", "lines.notes", "notes"),
        ("noted after a pause", "lines.notes.waits", "waits"),
        ("noted beside others", "lines.notes.waits.beside", "beside"),
    ] {
        let noted = that_say(&lines, msg);
        assert_eq!((noted.len(), emit_ids(&noted)), (usize::from(RECORDS), records.clone()), "{msg}");
        let offsets: BTreeSet<_> = noted.iter().filter_map(|line| line["offset"].as_u64()).collect();
        assert_eq!(offsets, (0..u64::from(RECORDS)).collect(), "{msg}");
        for line in noted {
            assert_eq!((&line["topic"], &line["partition"]), (&json!("t"), &json!(0)), "{line}");
            assert_eq!((&line["stage"], &line["function_name"]), (&json!(stage), &json!(function)), "{line}");
            let origin = (&line["logger"], &line["module"], &line["level"]);
            assert_eq!(origin, (&json!("logs"), &json!("logs"), &json!("INFO")), "{line}");
            assert!(line["line_no"].is_u64() && line.get("exc_info").is_none(), "{line}");
            let expected = line.get("fields").map(|fields| &fields["expected"]);
            assert_eq!(expected, (msg != "noted by log").then_some(&line["emit_id"]), "{line}");
        }
    }
    assert!(that_say(&lines, "noted by tracing").iter().all(|line| line["fields"]["it"] == "chatty"));
    assert!(that_say(&lines, "a line about a line").is_empty());

    let batches = that_say(&lines, "a batch by tracing");
    let rows: u64 = batches.iter().filter_map(|line| line["fields"]["rows"].as_u64()).sum();
    assert_eq!(rows, u64::from(RECORDS) - 1);
    let of_batches = emit_ids(&batches);
    assert!(of_batches.len() == batches.len() && of_batches.is_disjoint(&records), "{written}");
    assert_eq!(emit_ids(&that_say(&lines, "a batch by log")), of_batches);
    assert!(batches.iter().all(|line| line["function_name"] == "saves"), "{written}");
}

#[test]
fn the_engine_s_lines_tell_the_record_and_the_error() {
    let written = written("json");
    let skipped = written.lines().find(|line| line.contains("skipped a record that failed"));
    let line: Value = serde_json::from_str(skipped.expect("it was skipped")).unwrap();
    assert_eq!((&line["level"], &line["exc_info"]), (&json!("WARNING"), &json!("two is not liked")));
    assert_eq!((&line["partition"], &line["offset"]), (&json!(0), &json!(2)));
    let stage = "lines.notes.waits.beside.refuses_2";
    assert_eq!((&line["stage"], &line["function_name"]), (&json!(stage), &json!("refuses_2")));
}

#[test]
fn each_line_of_text_ends_with_the_record_that_it_is_about() {
    let written = written("text");
    let noted: Vec<_> = written.lines().filter(|line| line.contains("noted by tracing")).collect();
    assert_eq!(noted.len(), usize::from(RECORDS), "{written}");
    for (offset, line) in noted.into_iter().enumerate() {
        let (_, emit_id) = line.split_once(" expected=").expect("its emit id");
        let (emit_id, _) = emit_id.split_once(' ').expect("more fields");
        let place = format!(" it=chatty emit_id={emit_id} record=t[0]@{offset} stage=lines.notes");
        assert!(line.ends_with(&place), "{line}");
    }
    let by_log: Vec<_> = written.lines().filter(|line| line.contains("noted by log")).collect();
    assert_eq!(by_log.len(), usize::from(RECORDS), "{written}");
    assert!(by_log.iter().all(|line| line.ends_with(" stage=lines.notes")), "{written}");
    assert!(!written.contains("a line about a line") && !written.contains('\u{1b}'), "{written}");
}
