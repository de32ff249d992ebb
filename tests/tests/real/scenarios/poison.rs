//! Records that cannot be done: the pipeline stops and names them, those before are committed, and a restart begins there.

use std::sync::Arc;

use healer::RecordErrorKind::{self, Decode, Panic, Stage};
use healer::prelude::*;
use healer::{Handle, Protocol};
use healer_tests::kafka::Record;

use super::{Ground, Places};
use crate::common::{failed_record, status, until};

#[stage]
fn begin(line: String, ctx: &Context, #[state] seen: &Places) -> Result<String, String> {
    seen.add((ctx.partition(), ctx.offset()));
    match &*line {
        "fail" => Err("it cannot be done".to_owned()),
        "panic" => panic!("it is too much"),
        _ => Ok(line),
    }
}

#[stage]
async fn finish(line: String) -> Result<String, String> {
    tokio::task::yield_now().await;
    match &*line {
        "later fail" => Err("it cannot be done".to_owned()),
        "later panic" => panic!("it is too much"),
        _ => Ok(line),
    }
}

async fn start(ground: &Ground, seen: &Places) -> Handle {
    let app =
        pipeline! { name "poison"; lines = kafka::text(&ground.topic) => begin => finish; lines => heal; };
    app.with(Arc::clone(seen)).start(ground.settings().build().unwrap()).await.unwrap()
}

/// Offset 2 of partition 0 is poison.
async fn stops_twice(poison: &[u8], kind: RecordErrorKind, stage: &str) {
    let Some(ground) = Ground::new(Protocol::Consumer, 2) else { return };
    ground.produce(1, ["quick"; 3]);
    let seen = Places::default();
    for run in 0..2 {
        let handle = start(&ground, &seen).await;
        if run == 0 {
            let committed = |partition| status(&handle, partition).and_then(|status| status.committed);
            until("the other partition is done", || committed(1) == Some(3)).await;
            let poison = Record::value(poison).partition(0);
            let quick = || Record::value("quick").partition(0);
            ground.kafka.produce(&ground.topic, [quick(), quick(), poison, quick(), quick()]).unwrap();
        }
        let error = failed_record(handle.join().await);
        assert_eq!((&error.kind, &*error.stage), (&kind, stage), "run {run}");
        assert_eq!((&*error.topic, error.partition, error.offset), (&*ground.topic, 0, 2), "run {run}");
        // The records before it are committed, and nothing from it on.
        assert_eq!(ground.committed(), [(0, 2), (1, 3)].into(), "run {run}");
        let first = seen.take().into_iter().find(|(partition, _)| *partition == 0).map(|(_, offset)| offset);
        match (run, &kind) {
            (0, _) => assert_eq!(first, Some(0)),
            (_, Decode) => assert_eq!(first, None, "nothing behind it begins"),
            _ => assert_eq!(first, Some(2), "a restart begins with exactly it"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_stage_stops_the_pipeline_with_the_record_and_leaves_it_uncommitted() {
    tokio::join!(
        stops_twice(b"fail", Stage, "lines.begin"),
        stops_twice(b"later fail", Stage, "lines.begin.finish"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_stage_stops_the_pipeline_with_the_record_and_leaves_it_uncommitted() {
    let kind = || Panic("it is too much".to_owned());
    tokio::join!(
        stops_twice(b"panic", kind(), "lines.begin"),
        stops_twice(b"later panic", kind(), "lines.begin.finish"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undecodable_record_stops_the_pipeline_with_its_place_and_stays_uncommitted() {
    stops_twice(b"\xff\xfe", Decode, "lines").await;
}

#[stage(retry(3, backoff = "10ms"), on_error = skip)]
async fn thrice(line: String, ctx: &Context, #[state] seen: &Places) -> Result<String, String> {
    tokio::task::yield_now().await;
    seen.add((ctx.partition(), ctx.offset()));
    if line == "fail" { Err("it cannot be done".to_owned()) } else { Ok(line) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_tried_as_often_as_its_stage_says_and_then_counted_and_passed() {
    let Some(ground) = Ground::new(Protocol::Consumer, 1) else { return };
    ground.produce(0, ["quick", "fail", "quick"]);
    let seen = Places::default();
    let app = pipeline! { name "poison"; lines = kafka::text(&ground.topic) => thrice; lines => heal; };
    let report = app.with(Arc::clone(&seen)).run_until_end(ground.settings().build().unwrap()).await.unwrap();
    assert_eq!(seen.all(), [(0, 0), (0, 1), (0, 1), (0, 1), (0, 2)]);
    assert_eq!((report.healed, &report.skipped), (2, &[("failed".to_owned(), 1)].into()));
    assert_eq!(ground.committed(), [(0, 3)].into());
}
