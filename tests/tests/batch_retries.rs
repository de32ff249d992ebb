//! Batches that are tried again, and by halves.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::{Seen, failed_record, settings};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};
use healer::{Error, Report, dead_letter};

/// The rows of each call, with the attempt that it was.
type Calls = Seen<(Vec<String>, u32)>;

/// `bad` fails always, `busy` the first two times that anybody sees it, `panic` panics.
fn work<'r>(rows: impl Iterator<Item = (&'r Context, &'r String)>, calls: &Calls) -> Result<(), String> {
    let mut attempt = 0;
    let rows: Vec<_> = rows
        .map(|(ctx, row)| {
            attempt = ctx.attempt();
            row.clone()
        })
        .collect();
    calls.add((rows.clone(), attempt));
    let seen = |row: &String| calls.all().iter().filter(|(rows, _)| rows.contains(row)).count();
    for row in &rows {
        match row.as_str() {
            "bad" => return Err("bad is bad".to_owned()),
            "busy" if seen(row) <= 2 => return Err("too busy".to_owned()),
            "panic" => panic!("too much"),
            _ => {}
        }
    }
    Ok(())
}

#[stage(batch, retry(3, backoff = "1ms"))]
async fn again(rows: &Batch<String>, #[state] calls: &Calls) -> Result<(), String> {
    work(rows.iter(), calls)
}

#[stage(batch, split, on_error = dead_letter("dead"))]
async fn halved(rows: &Batch<String>, #[state] calls: &Calls) -> Result<(), String> {
    work(rows.iter(), calls)
}

#[stage(batch, split, on_error = skip)]
fn halved_on_a_thread(rows: &Batch<String>, #[state] calls: &Calls) -> Result<(), String> {
    work(rows.iter(), calls)
}

#[stage(batch, split, retry(2, backoff = "1ms"), on_error = dead_letter("dead"))]
async fn shouted<'b>(
    rows: BatchMut<'b, String>,
    #[state] calls: &Calls,
) -> Result<BatchMut<'b, String>, String> {
    work(rows.iter(), calls)?;
    Ok(rows.map(|row| row.to_uppercase()))
}

#[stage(batch, split, on_error = dead_letter("dead"))]
fn shouted_on_a_thread<'b>(
    rows: BatchMut<'b, String>,
    #[state] calls: &Calls,
) -> Result<BatchMut<'b, String>, String> {
    work(rows.iter(), calls)?;
    Ok(rows.filter("quiet", |row| row != "quiet").map(|row| row.to_uppercase()))
}

#[stage(batch, split)]
async fn halved_or_stopped(rows: &Batch<String>, #[state] calls: &Calls) -> Result<(), String> {
    work(rows.iter(), calls)
}

#[stage(batch, split, timeout = "50ms", on_error = skip)]
async fn in_time(rows: &Batch<String>) {
    if rows.iter().any(|(_, row)| row == "slow") {
        std::future::pending::<()>().await;
    }
}

/// All rows as one.
#[stage(batch)]
fn joined(rows: BatchMut<'_, String>) -> BatchMut<'_, String> {
    rows.reduce(|rows| rows.join(" "))
}

#[stage(batch, split, on_error = dead_letter("dead"))]
async fn never(rows: &Batch<String>) -> Result<(), String> {
    Err(format!("{} rows", rows.len()))
}

#[derive(Debug)]
struct Touchy(String);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        assert_ne!(self.0, "bad", "it can't be cloned");
        Self(self.0.clone())
    }
}

#[stage]
fn touchy(line: String) -> Touchy {
    Touchy(line)
}

#[stage(batch, retry(2))]
async fn cloned(rows: BatchMut<'_, Touchy>) -> Result<BatchMut<'_, Touchy>, String> {
    Ok(rows)
}

#[stage(batch)]
fn note(rows: &Batch<String>, #[state] seen: &Arc<Seen<String>>) {
    for (_, row) in rows {
        seen.add(row.clone());
    }
}

struct Ground {
    kafka: EmbeddedKafka,
    calls: Arc<Calls>,
    seen: Arc<Seen<String>>,
}

impl Ground {
    /// A batch of exactly these rows.
    fn new(rows: &[&str]) -> Self {
        let kafka = EmbeddedKafka::start().unwrap();
        kafka.create_topic("in", 1).unwrap();
        kafka.create_topic("dead", 1).unwrap();
        kafka.produce("in", rows.iter().map(|row| TestRecord::new().value(*row))).unwrap();
        Self { kafka, calls: Arc::default(), seen: Arc::default() }
    }

    async fn run(&self, app: App) -> Result<Report, Error> {
        let app = app.with_arc(Arc::clone(&self.calls)).with(Arc::clone(&self.seen));
        app.run_until_end(settings(self.kafka.brokers(), "group").build().unwrap()).await
    }

    /// The rows of each call, and its attempt.
    fn calls(&self) -> Vec<(String, u32)> {
        self.calls.all().into_iter().map(|(rows, attempt)| (rows.join(" "), attempt)).collect()
    }

    fn letters(&self) -> Vec<(String, String)> {
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
        let letters = self.kafka.records("dead").unwrap();
        letters.iter().map(|l| (text(l.value.as_deref()), text(l.headers.get(dead_letter::ERROR)))).collect()
    }
}

fn calls<const N: usize>(all: [(&str, u32); N]) -> Vec<(String, u32)> {
    all.into_iter().map(|(rows, attempt)| (rows.to_owned(), attempt)).collect()
}

const WAIT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_batch_is_tried_as_a_whole_until_it_succeeds() {
    let ground = Ground::new(&["a", "busy", "b"]);
    let app = pipeline! { name "p"; kafka::text("in") => batch(3, within = WAIT) => again => note => heal; };
    let report = ground.run(app).await.unwrap();
    assert_eq!(report.healed, 3);
    assert_eq!(ground.calls(), calls([("a busy b", 1), ("a busy b", 2), ("a busy b", 3)]));
    assert_eq!(ground.seen.all(), ["a", "busy", "b"]);
}

#[tokio::test]
async fn after_its_last_attempt_a_batch_stops_the_pipeline_and_stays_pending() {
    let ground = Ground::new(&["a", "bad", "b"]);
    let app = pipeline! { name "p"; kafka::text("in") => batch(3, within = WAIT) => again => heal; };
    let error = failed_record(ground.run(app).await);
    assert_eq!((error.attempts, &*error.stage), (3, "in.batch.again"));
    assert_eq!(ground.calls.len(), 3);
    assert!(ground.kafka.committed("group", "in").unwrap().is_empty());
}

#[tokio::test]
async fn one_row_that_fails_does_not_condemn_the_others() {
    let rows = ["0", "1", "2", "3", "bad", "5", "6", "7"];
    let ground = Ground::new(&rows);
    let app = pipeline! { name "p"; kafka::text("in") => batch(8, within = WAIT) => halved => note => heal; };
    let report = ground.run(app).await.unwrap();
    assert_eq!((report.healed, report.dead_lettered), (7, 1));
    let wanted = [
        ("0 1 2 3 bad 5 6 7", 1),
        ("0 1 2 3", 1),
        ("bad 5 6 7", 1),
        ("bad 5", 1),
        ("bad", 1),
        ("5", 1),
        ("6 7", 1),
    ];
    assert_eq!(ground.calls(), calls(wanted));
    assert_eq!(ground.seen.all(), ["0", "1", "2", "3", "5", "6", "7"], "in their order");
    assert_eq!(ground.letters(), [("bad".to_owned(), "bad is bad".to_owned())]);
}

#[tokio::test]
async fn halves_are_tried_wherever_a_batch_is_worked_on() {
    let rows = ["quiet", "panic", "b", "bad"];
    let ground = Ground::new(&rows);
    let app = pipeline! { name "p"; kafka::text("in") => batch(4, within = WAIT) => halved_on_a_thread => note => heal; };
    let report = ground.run(app).await.unwrap();
    assert_eq!((report.healed, &report.skipped), (2, &BTreeMap::from([("failed".to_owned(), 2)])));
    assert_eq!(ground.seen.all(), ["quiet", "b"]);

    let ground = Ground::new(&rows);
    let app = pipeline! { name "p"; kafka::text("in") => batch(4, within = WAIT) => shouted_on_a_thread => note => heal; };
    let report = ground.run(app).await.unwrap();
    assert_eq!((report.healed, report.dead_lettered), (1, 2));
    assert_eq!(report.skipped, BTreeMap::from([("quiet".to_owned(), 1)]));
    assert_eq!(ground.seen.all(), ["B"]);
    let letters = [("panic", "a panic: too much"), ("bad", "bad is bad")];
    assert_eq!(ground.letters(), letters.map(|(value, error)| (value.to_owned(), error.to_owned())));
}

#[tokio::test]
async fn the_whole_and_single_rows_have_all_attempts_halves_one() {
    let ground = Ground::new(&["a", "bad", "b", "c"]);
    let app =
        pipeline! { name "p"; kafka::text("in") => batch(4, within = WAIT) => shouted => note => heal; };
    let report = ground.run(app).await.unwrap();
    assert_eq!((report.healed, report.dead_lettered), (3, 1));
    let wanted =
        [("a bad b c", 1), ("a bad b c", 2), ("a bad", 1), ("a", 1), ("bad", 1), ("bad", 2), ("b c", 1)];
    assert_eq!(ground.calls(), calls(wanted));
    assert_eq!(ground.seen.all(), ["A", "B", "C"]);
    let letters = ground.kafka.records("dead").unwrap();
    assert_eq!(letters[0].headers.get(dead_letter::ATTEMPTS), Some(&b"2"[..]));
    assert_eq!(letters[0].headers.get(dead_letter::OFFSET), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_row_that_stops_the_pipeline_leaves_what_came_before_it_done() {
    let ground = Ground::new(&["a", "b", "bad", "c"]);
    let app = || pipeline! { name "p"; kafka::text("in") => batch(4, within = WAIT) => halved_or_stopped => note => heal; };
    let error = failed_record(ground.run(app()).await);
    assert_eq!((error.offset, &*error.stage), (2, "in.batch.halved_or_stopped"));
    assert_eq!(ground.kafka.committed("group", "in").unwrap(), BTreeMap::from([(0, 2)]));
    assert_eq!(ground.seen.take(), ["a", "b"], "nothing behind it goes on");
    // The pipeline's own policy goes for single rows.
    let report = ground.run(app().on_error(OnError::Skip)).await.unwrap();
    assert_eq!((report.healed, report.skipped.get("failed")), (1, Some(&1)));
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_dropped_and_halved() {
    let ground = Ground::new(&["a", "slow", "b"]);
    let app =
        pipeline! { name "p"; kafka::text("in") => batch(3, within = WAIT) => in_time => note => heal; };
    let report = ground.run(app).await.unwrap();
    assert_eq!((report.healed, report.skipped.get("failed")), (2, Some(&1)));
    assert_eq!(ground.seen.all(), ["a", "b"]);
}

#[tokio::test]
async fn a_row_that_was_made_of_many_is_not_given_up_for_one_of_them() {
    let ground = Ground::new(&["a", "bad", "b", "c"]);
    let app =
        pipeline! { name "p"; kafka::text("in") => batch(4, within = WAIT) => joined => never => heal; };
    let error = failed_record(ground.run(app).await);
    assert_eq!(&*error.stage, "in.batch.joined.never");
    assert!(ground.letters().is_empty());
    assert!(ground.kafka.committed("group", "in").unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_stage_begins_to_count_its_own_attempts() {
    let ground = Ground::new(&["a", "busy", "b"]);
    let app = pipeline! { name "p"; kafka::text("in") => batch(3, within = WAIT) => again => again as "once more" => heal; };
    assert_eq!(ground.run(app).await.unwrap().healed, 3);
    let attempts: Vec<_> = ground.calls().into_iter().map(|(_, attempt)| attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 1]);
}

#[tokio::test]
async fn behind_a_row_that_stops_its_partition_no_half_runs_its_rows() {
    let ground = Ground::new(&[]);
    ground.kafka.create_topic("two", 2).unwrap();
    let to = |partition: i32, value: &str| TestRecord::new().value(value).partition(partition);
    ground.kafka.produce("two", [to(0, "first"), to(0, "bad"), to(0, "behind")]).unwrap();
    let app = pipeline! { name "p"; kafka::text("two") => batch(4, within = "20s") => halved_or_stopped => note => heal; };
    let app = app.with_arc(Arc::clone(&ground.calls)).with(Arc::clone(&ground.seen));
    let handle = app.start(settings(ground.kafka.brokers(), "group").build().unwrap()).await.unwrap();
    common::until("three rows wait", || handle.partitions().iter().any(|status| status.pending == 3)).await;
    ground.kafka.produce("two", [to(1, "other")]).unwrap();
    let error = failed_record(handle.join().await);
    assert_eq!((error.partition, error.offset), (0, 1));
    let mut seen = ground.seen.all();
    seen.sort();
    assert_eq!(seen, ["first", "other"]);
    assert_eq!(ground.kafka.committed("group", "two").unwrap(), BTreeMap::from([(0, 1), (1, 1)]));
}

#[tokio::test]
async fn a_row_that_cannot_be_cloned_is_a_failure_with_its_words() {
    let ground = Ground::new(&["a", "bad"]);
    let app =
        pipeline! { name "p"; kafka::text("in") => touchy => batch(2, within = WAIT) => cloned => heal; };
    let error = failed_record(ground.run(app).await);
    assert!(
        matches!(&error.kind, healer::RecordErrorKind::Panic(text) if text.contains("it can't be cloned")),
        "{error}"
    );
}
