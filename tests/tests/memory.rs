//! Records by their bytes: a partition short of memory waits and holds up no other; records that waited come out unchanged.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

mod common;

use std::sync::Arc;

use common::{Door, Seen, settings, status, until};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

const DEAD: &str = "dead";

#[stage]
async fn first_of_the_first_partition_waits(line: String, ctx: &Context, #[state] door: &Door) -> usize {
    if ctx.partition() == 0 && ctx.offset() == 0 {
        door.pass().await;
    }
    line.len()
}

#[stage]
async fn first_waits_and_odd_ones_fail(
    line: String,
    ctx: &Context,
    #[state] door: &Door,
) -> Result<usize, String> {
    if ctx.offset() == 0 {
        door.pass().await;
    }
    if ctx.offset() % 2 == 1 { Err("odd".to_owned()) } else { Ok(line.len()) }
}

#[stage(batch)]
async fn count(rows: &Batch<String>, #[state] batches: &Seen<usize>) {
    batches.add(rows.len());
}

#[stage]
async fn length(line: String) -> usize {
    line.len()
}

fn lines(count: usize, size: usize) -> impl Iterator<Item = TestRecord> {
    (0..count).map(move |_| TestRecord::new().value("x".repeat(size)).partition(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_is_slow_keeps_to_its_part_and_the_others_go_on() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 2).unwrap();
    kafka.produce("in", lines(40, 50_000)).unwrap();
    kafka.produce("in", lines(40, 50_000).map(|record| record.partition(1))).unwrap();
    let door = Arc::<Door>::default();
    let app = pipeline! { name "p"; kafka::text("in") => first_of_the_first_partition_waits => heal; };
    let config = settings(kafka.brokers(), "group").memory_budget(600_000).build().unwrap();
    let handle = app.with_arc(Arc::clone(&door)).start(config).await.unwrap();
    until("the other partition is done", || {
        status(&handle, 1).is_some_and(|status| status.committed == Some(40))
    })
    .await;
    let pending = status(&handle, 0).unwrap().pending;
    assert!(
        (1..=7).contains(&pending),
        "{pending} of 50,000 bytes of a budget of 600,000, of which one partition gets half"
    );
    door.open();
    until("all is done", || status(&handle, 0).is_some_and(|status| status.committed == Some(40))).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_may_be_larger_than_the_budget() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 3).unwrap();
    for partition in 0..3 {
        kafka.produce("in", lines(5, 100_000).map(|record| record.partition(partition))).unwrap();
    }
    let app = pipeline! { name "p"; kafka::text("in") => length => heal; };
    let config = settings(kafka.brokers(), "group").memory_budget(1).build().unwrap();
    let report = app.run_until_end(config).await.unwrap();
    assert_eq!((report.healed, report.lag), (15, Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_cannot_fill_for_want_of_memory_leaves() {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.produce("in", lines(50, 10_000)).unwrap();
    let batches = Arc::<Seen<usize>>::default();
    let app = pipeline! {
        name "p";
        kafka::text("in") => batch(1_000, within = "1h") => count => heal;
    };
    let config = settings(kafka.brokers(), "group").memory_budget(100_000).build().unwrap();
    let report = app.with_arc(Arc::clone(&batches)).run_until_end(config).await.unwrap();
    assert_eq!(report.healed, 50);
    let batches = batches.all();
    assert!(batches.iter().all(|rows| (1..=6).contains(rows)), "of 100,000 bytes half: {batches:?}");
    assert!(batches.len() <= 20, "they leave when nothing more comes, not one by one: {batches:?}");
}

async fn letters_come_out_as_they_came_in(threads: usize) {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("in", 1).unwrap();
    kafka.create_topic(DEAD, 1).unwrap();
    let value = |n: usize| format!("{n}{}", "y".repeat([10, 20_000, 70_000][n % 3]));
    let record = |n: usize| {
        let record = TestRecord::new().value(value(n)).key(format!("key {n}")).partition(0);
        record.header("trace", Some(n.to_string()))
    };
    kafka.produce("in", (0..60).map(record)).unwrap();
    let door = Arc::<Door>::default();
    let app = pipeline! { name "p"; kafka::text("in") => first_waits_and_odd_ones_fail => heal; };
    let app = app.on_error(OnError::dead_letter(DEAD)).with_arc(Arc::clone(&door));
    let config = settings(kafka.brokers(), "group").memory_budget(400_000).threads(threads);
    let handle = app.start(config.build().unwrap()).await.unwrap();
    until("it holds its part", || status(&handle, 0).is_some_and(|status| status.pending > 2)).await;
    door.open();
    until("all is done", || status(&handle, 0).is_some_and(|status| status.committed == Some(60))).await;
    handle.stop();
    handle.join().await.unwrap();
    let letters = kafka.records(DEAD).unwrap();
    assert_eq!(letters.len(), 30);
    for (letter, n) in letters.iter().zip((1..60).step_by(2)) {
        assert_eq!(letter.value.as_deref(), Some(value(n).as_bytes()), "{n}");
        assert_eq!(letter.key.as_deref(), Some(format!("key {n}").as_bytes()));
        assert_eq!(letter.headers.get("trace"), Some(n.to_string().as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_of_records_that_waited_are_the_records_as_they_came_in() {
    letters_come_out_as_they_came_in(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_of_records_that_waited_for_other_threads_are_the_records_as_they_came_in() {
    letters_come_out_as_they_came_in(2).await;
}
