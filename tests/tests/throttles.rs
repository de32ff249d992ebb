//! Stages that are called so often and no more, and stages that rest when they fail on everything.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Seen, settings, until};
use healer::Handle;
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

/// When each record was worked on.
type Times = Seen<(String, Instant)>;

#[stage(rate = "50/s")]
async fn awaited(line: String, #[state] times: &Times) -> String {
    times.add((line.clone(), Instant::now()));
    line
}

#[stage(rate = "50/s")]
fn synchronous(line: String, #[state] times: &Times) -> String {
    times.add((line.clone(), Instant::now()));
    line
}

#[stage(parallel = 8, rate = "50/s")]
async fn parallel(line: String, #[state] times: &Times) -> String {
    times.add((line.clone(), Instant::now()));
    line
}

#[stage(rate = "50/s", retry(10, backoff = "0ms"))]
async fn again(line: String, ctx: &Context, #[state] times: &Times) -> Result<String, String> {
    times.add((line.clone(), Instant::now()));
    if ctx.attempt() < 10 { Err("not yet".to_owned()) } else { Ok(line) }
}

#[stage(batch, rate = "50/s")]
async fn batches(rows: &Batch<String>, #[state] times: &Times) {
    for (_, row) in rows {
        times.add((row.clone(), Instant::now()));
    }
}

/// A service that a stage calls; it notes the calls.
#[derive(Default)]
struct Service {
    is_down: AtomicBool,
    calls: Seen<(String, Instant)>,
}

impl Service {
    fn call(&self, line: &str) -> Result<(), String> {
        self.calls.add((line.to_owned(), Instant::now()));
        if self.is_down.load(Ordering::Relaxed) { Err("the service is down".to_owned()) } else { Ok(()) }
    }
}

#[stage(circuit_breaker(5, pause = "300ms"), on_error = dead_letter("dead"))]
async fn asks(line: String, #[state] service: &Service) -> Result<String, String> {
    service.call(&line).map(|()| line)
}

#[stage(circuit_breaker(5, pause = "300ms"), on_error = dead_letter("dead"))]
fn asks_and_blocks(line: String, #[state] service: &Service) -> Result<String, String> {
    service.call(&line).map(|()| line)
}

#[stage(parallel = 4, order = none, circuit_breaker(5, pause = "300ms"), on_error = dead_letter("dead"))]
async fn asks_at_once(line: String, #[state] service: &Service) -> Result<String, String> {
    tokio::task::yield_now().await;
    service.call(&line).map(|()| line)
}

#[stage(batch, split, circuit_breaker(5, pause = "300ms"), on_error = dead_letter("dead"))]
async fn asks_for_all(rows: &Batch<String>, #[state] service: &Service) -> Result<(), String> {
    let lines: Vec<_> = rows.iter().map(|(_, line)| line.as_str()).collect();
    service.call(&lines.join(" "))
}

/// Lines `0` and so on, evenly over the partitions of `in`; and `dead`.
fn filled(count: usize, partitions: u16) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", partitions).unwrap();
    kafka.create_topic("dead", 1).unwrap();
    let record = |n: usize| TestRecord::new().value(n.to_string());
    kafka.produce("in", (0..count).map(record)).unwrap();
    kafka
}

async fn start(kafka: &EmbeddedKafka, app: App) -> Handle {
    app.start(settings(kafka.brokers(), "group").build().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_called_so_often_and_no_more() {
    let apps: [(App, usize, bool); 5] = [
        (pipeline! { name "p"; lines = kafka::text("in") => awaited; lines => heal; }, 30, true),
        (pipeline! { name "p"; lines = kafka::text("in") => synchronous; lines => heal; }, 30, true),
        (pipeline! { name "p"; lines = kafka::text("in") => parallel; lines => heal; }, 30, true),
        // Each attempt is a call.
        (pipeline! { name "p"; lines = kafka::text("in") => again; lines => heal; }, 3, false),
        (pipeline! { name "p"; kafka::text("in") => batch(1) => batches => heal; }, 30, true),
    ];
    for (app, records, in_order) in apps {
        let kafka = filled(records, 1);
        let times = Arc::<Times>::default();
        let began = Instant::now();
        let config = settings(kafka.brokers(), "group").build().unwrap();
        let report = app.with_arc(Arc::clone(&times)).run_until_end(config).await.unwrap();
        assert_eq!(report.healed, records as u64);
        let all = times.all();
        assert_eq!(all.len(), 30);
        // 20 ms lie between two turns; the first two may come at once, and a turn is never early.
        let last = all[all.len() - 1].1;
        assert!(last - began >= Duration::from_millis(28 * 20 - 10), "{:?}", last - began);
        if in_order {
            let lines: Vec<usize> = all.iter().map(|(line, _)| line.parse().unwrap()).collect();
            assert!(lines.is_sorted(), "{lines:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_fails_on_everything_rests_and_its_topic_is_not_burnt() {
    let apps: [(App, u16); 4] = [
        (pipeline! { name "p"; lines = kafka::text("in") => asks; lines => heal; }, 2),
        (pipeline! { name "p"; lines = kafka::text("in") => asks_and_blocks; lines => heal; }, 2),
        (pipeline! { name "p"; lines = kafka::text("in") => asks_at_once; lines => heal; }, 2),
        (pipeline! { name "p"; kafka::text("in") => batch(4, within = "50ms") => asks_for_all => heal; }, 2),
    ];
    for (app, partitions) in apps {
        let kafka = filled(400, partitions);
        let service = Arc::<Service>::default();
        service.is_down.store(true, Ordering::Relaxed);
        let began = Instant::now();
        let handle = start(&kafka, app.with_arc(Arc::clone(&service))).await;
        until("there were two trials", || service.calls.len() >= 10).await;
        // Those that were at work when the circuit opened end, too: at most three more.
        let calls = service.calls.len();
        let time = began.elapsed();
        let most = 5 + 3 + 1 + time.as_millis() / 300;
        assert!(calls as u128 <= most, "{calls} calls in {time:?}");

        service.is_down.store(false, Ordering::Relaxed);
        let in_vain = service.calls.len() as u64;
        until("all is committed", || kafka.lag("group", "in").unwrap() == 0).await;
        handle.stop();
        let report = handle.join().await.unwrap();
        assert_eq!(report.records, 400);
        assert!((1..=in_vain).contains(&report.dead_lettered), "{in_vain} calls in vain, {report:?}");
    }
}
