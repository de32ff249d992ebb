//! Every record is accounted for: whole pipelines on the embedded broker, made to go wrong in every way that a user's code
//! can. Nothing is lost, nothing hangs, and the error names the place.
#![allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_async,
    reason = "a stage takes what flows in"
)]

mod endings;
mod outcomes;
mod panics;
mod payloads;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use healer::{
    Config, Context, Error, RecordError, RecordErrorKind, Report,
    prelude::*,
    testing::{EmbeddedKafka, InMemory, TestRecord},
    union,
};

/// No test takes as long; it only keeps a hang from being one.
const NET: Duration = Duration::from_mins(1);

type Seen<T> = Arc<Mutex<Vec<T>>>;

fn builder(kafka: &EmbeddedKafka) -> healer::ConfigBuilder {
    let protocol = healer::Protocol::Consumer;
    Config::builder().brokers(kafka.brokers()).group("g").protocol(protocol).commit_interval("100ms")
}

fn config(kafka: &EmbeddedKafka) -> Config {
    builder(kafka).build().expect("the settings are right")
}

/// A topic `t` of numbers, in one partition.
fn numbers(count: usize) -> EmbeddedKafka {
    over(1, count)
}

fn over(partitions: u16, count: usize) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().expect("the mock starts");
    kafka.create_topic("t", partitions).expect("a topic");
    kafka.produce("t", (0..count).map(|n| (None::<String>, Some(n.to_string())))).expect("acknowledged");
    kafka
}

fn committed(kafka: &EmbeddedKafka) -> BTreeMap<i32, i64> {
    kafka.committed("g", "t").expect("commits")
}

async fn net<T>(of: impl Future<Output = T>) -> T {
    tokio::time::timeout(NET, of).await.expect("it hangs")
}

/// Runs to the end, which must be reached, and checks that everything was committed.
async fn heals(app: App, kafka: &EmbeddedKafka) -> Report {
    heals_with(app, kafka, config(kafka)).await
}

async fn heals_with(app: App, kafka: &EmbeddedKafka, config: Config) -> Report {
    let report = net(app.run_until_end(config)).await.expect("it heals");
    assert_eq!(report.lag, Some(0));
    assert_eq!(report.records, kafka.end_offsets("t").expect("ends").values().sum::<i64>().unsigned_abs());
    assert_eq!(committed(kafka), kafka.end_offsets("t").expect("ends"));
    report
}

/// Runs into the error of a record, which holds the frontier.
async fn fails(app: App, kafka: &EmbeddedKafka) -> Arc<RecordError> {
    fails_with(app, kafka, config(kafka)).await
}

async fn fails_with(app: App, kafka: &EmbeddedKafka, config: Config) -> Arc<RecordError> {
    let began = Instant::now();
    let error = net(app.run_until_end(config)).await.expect_err("it stops");
    assert!(began.elapsed() < Duration::from_secs(20), "an error ends it within its budgets: {error}");
    let Error::Record(error) = error else { panic!("{error}") };
    let passed = committed(kafka).get(&error.partition).copied().unwrap_or(0);
    assert!(passed <= error.offset, "committed {passed}, but {} failed: {error}", error.offset);
    error
}

/// As [`fails`], where all records before the failed one must be committed.
async fn fails_at(app: App, kafka: &EmbeddedKafka, offset: i64) -> Arc<RecordError> {
    let error = fails(app, kafka).await;
    assert_eq!(error.offset, offset, "{error}");
    assert_eq!(committed(kafka).get(&0).copied().unwrap_or(0), offset);
    error
}

fn is_panic(error: &RecordError, text: &str) -> bool {
    matches!(&error.kind, RecordErrorKind::Panic(said) if said.contains(text))
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

#[stage]
fn parse(text: String) -> usize {
    number(&text)
}

#[stage]
fn panic_at_7(n: usize) -> usize {
    assert!(n != 7, "no seven");
    n
}

#[stage]
async fn rest(n: usize) -> usize {
    tokio::task::yield_now().await;
    n
}

#[stage]
async fn panic_at_7_later(n: usize) -> usize {
    tokio::task::yield_now().await;
    assert!(n != 7, "no seven");
    n
}

#[stage(skip = "odd")]
async fn even_later(n: usize) -> Option<usize> {
    tokio::task::yield_now().await;
    n.is_multiple_of(2).then_some(n)
}

#[stage(flat)]
fn twice_but_panic_at_7(n: usize) -> impl Iterator<Item = usize> {
    (0..2).map(move |copy| {
        assert!((n, copy) != (7, 1), "no seven");
        n
    })
}

#[stage(flat, skip = "none")]
fn as_often(n: usize) -> Vec<usize> {
    vec![n; n % 4]
}

#[stage(flat)]
fn half_then_error(n: usize) -> impl Iterator<Item = Result<usize, String>> {
    (0..4).map(move |copy| if (n, copy) == (7, 2) { Err("the third is wrong".to_owned()) } else { Ok(n) })
}

#[stage(batch)]
fn read(rows: &Batch<usize>, #[state] seen: &Mutex<Vec<usize>>) {
    seen.lock().expect("no panic").extend(rows.iter().map(|(_, n)| *n));
}

#[stage(batch)]
async fn read_later(rows: &Batch<usize>, #[state] seen: &Mutex<Vec<usize>>) {
    tokio::task::yield_now().await;
    seen.lock().expect("no panic").extend(rows.iter().map(|(_, n)| *n));
}

#[stage(batch)]
fn panic_at_7_in_batch(rows: &Batch<usize>) {
    assert!(rows.iter().all(|(_, n)| *n != 7), "no seven");
}

#[stage(batch)]
async fn panic_at_7_in_batch_later(rows: &Batch<usize>) {
    tokio::task::yield_now().await;
    assert!(rows.iter().all(|(_, n)| *n != 7), "no seven");
}

#[stage(batch)]
fn panic_at_7_in_own_batch(rows: BatchMut<'_, usize>) -> BatchMut<'_, usize> {
    rows.map(|n| {
        assert!(n != 7, "no seven");
        n
    })
}

#[stage(batch)]
async fn panic_at_7_in_own_batch_later(rows: BatchMut<'_, usize>) -> BatchMut<'_, usize> {
    tokio::task::yield_now().await;
    rows.map(|n| {
        assert!(n != 7, "no seven");
        n
    })
}

#[stage(batch)]
fn reduce_the_odd(rows: BatchMut<'_, usize>) -> BatchMut<'_, usize> {
    rows.filter("by four", |n| !n.is_multiple_of(4)).route(
        |n| n.is_multiple_of(2),
        |even| even,
        |odd| odd.reduce(|all| all.into_iter().sum()),
    )
}

#[stage(batch)]
fn repeat(rows: BatchMut<'_, usize>) -> BatchMut<'_, usize> {
    rows.flat_map("none", |n| vec![n; n % 3])
}

#[stage(batch)]
fn forget(rows: BatchMut<'_, usize>) -> Result<BatchMut<'_, usize>, String> {
    std::mem::forget(rows);
    Err("forgotten".to_owned())
}

#[stage]
fn count(text: String) -> usize {
    text.len()
}

/// How many values `endless` gave.
static PULLED: AtomicUsize = AtomicUsize::new(0);

#[stage(flat)]
fn endless(n: usize) -> impl Iterator<Item = usize> {
    PULLED.store(0, Ordering::Relaxed);
    std::iter::repeat_with(move || {
        PULLED.fetch_add(1, Ordering::Relaxed);
        n
    })
}

#[stage(flat)]
fn endless_too(n: usize) -> impl Iterator<Item = usize> {
    std::iter::repeat(n)
}

#[stage]
async fn never(n: usize) -> usize {
    std::future::pending::<()>().await;
    n
}

#[stage(batch)]
async fn never_read(rows: &Batch<usize>) {
    assert!(!rows.is_empty());
    std::future::pending::<()>().await;
}

struct Stuck(Arc<AtomicBool>);

impl Drop for Stuck {
    fn drop(&mut self) {
        while !self.0.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[stage]
async fn stick(n: usize, #[state] released: &Arc<AtomicBool>) -> usize {
    tokio::task::yield_now().await;
    drop(Stuck(Arc::clone(released)));
    n
}

#[stage]
async fn slow_failure(n: usize) -> Result<usize, String> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    Err(format!("{n} is wrong"))
}

#[stage]
async fn stop_at_50(n: usize) -> usize {
    if n == 50 {
        std::future::pending::<()>().await;
    }
    n
}

/// The processor time that this process has used so far.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
