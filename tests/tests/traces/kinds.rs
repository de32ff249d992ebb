//! Each kind of stage has a span a call, with the time that the stage itself took.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use healer::prelude::*;
use healer::testing::TestRecord;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::collector::Span;
use super::{Ground, SHORT, SLOW, roots};

/// The least time that each call takes.
const WORK: Duration = Duration::from_millis(20);

#[derive(Debug, thiserror::Error)]
#[error("once more")]
struct Again;

#[stage]
fn fused(number: u64) -> u64 {
    thread::sleep(WORK);
    number
}

#[stage(retry(2, backoff = "1ms"))]
fn retried(number: u64, ctx: &Context) -> Result<u64, Again> {
    thread::sleep(WORK);
    if ctx.attempt() == 1 { Err(Again) } else { Ok(number) }
}

#[stage(timeout = "10s")]
async fn awaited(number: u64) -> u64 {
    tokio::time::sleep(WORK).await;
    number
}

#[stage(blocking)]
fn blocking(number: u64) -> u64 {
    thread::sleep(WORK);
    number
}

#[stage(parallel = 4)]
async fn parallel(number: u64) -> u64 {
    tokio::time::sleep(WORK).await;
    number
}

#[stage(parallel = 4, order = none)]
fn parallel_blocking(number: u64) -> u64 {
    thread::sleep(WORK);
    number
}

#[stage(flat)]
fn twice(number: u64) -> Vec<u64> {
    thread::sleep(WORK);
    vec![number, number]
}

#[stage(flat)]
fn none(_number: u64) -> Vec<u64> {
    Vec::new()
}

#[stage]
fn slow(number: u64) -> u64 {
    thread::sleep(SLOW);
    number
}

#[stage(skip = "odd")]
fn even(number: u64) -> Option<u64> {
    number.is_multiple_of(2).then_some(number)
}

fn numbers(count: u64) -> impl Iterator<Item = TestRecord> {
    (0..count).map(|n| TestRecord::new().key(n.to_string()).value(n.to_string()))
}

fn by_node(spans: &[Span]) -> BTreeMap<&str, Vec<&Span>> {
    let mut nodes = BTreeMap::<_, Vec<_>>::new();
    for span in spans {
        nodes.entry(span.node()).or_default().push(span);
    }
    nodes
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_stage_has_a_span_a_call() {
    let ground = Ground::new(numbers(2)).await;
    let app = pipeline! {
        name "kinds";
        numbers = kafka::json::<u64>("orders") => fused => retried => awaited => blocking => parallel;
        numbers => parallel_blocking => twice => even => slow => heal;
    };
    let (report, spans) = ground.run(app, 1.0).await;
    assert_eq!(report.records, 2);
    let nodes = by_node(&spans);
    let counts: BTreeMap<_, _> = nodes.iter().map(|(node, spans)| (*node, spans.len())).collect();
    let expected = [
        ("numbers", 2),
        ("fused", 2),
        ("retried", 4),
        ("awaited", 2),
        ("blocking", 2),
        ("parallel", 2),
        ("parallel_blocking", 2),
        ("twice", 2),
        ("even", 4),
        ("slow", 2),
    ];
    assert_eq!(counts, expected.into());
    for node in ["fused", "retried", "awaited", "blocking", "parallel", "parallel_blocking", "twice"] {
        for span in &nodes[node] {
            // The slow stage that follows is none of theirs.
            assert!(span.took() >= WORK && span.took() < SHORT + WORK, "{span:#?}");
        }
    }
    let roots = roots(&spans);
    for span in spans.iter().filter(|span| span.kind == SpanKind::Internal) {
        let root = roots.iter().find(|root| root.trace == span.trace).expect("the record's own");
        assert!(span.parent == root.id && span.is_within(root), "{span:#?}");
    }
    let attempts =
        nodes["retried"].iter().map(|span| (span.attribute("healer.attempt"), span.error.as_deref()));
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_unstable();
    let [first, second] = [("1", Some("once more")), ("2", None)];
    assert_eq!(attempts, [first, first, second, second]);
    let skipped = nodes["even"].iter().filter(|span| span.attribute("healer.skipped") == "true").count();
    assert_eq!(skipped, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flat_stage_with_a_queue_has_its_own_work_alone() {
    let ground = Ground::new(numbers(1)).await;
    let chain = kafka::json::<u64>("orders").stream("numbers").then(twice::stage());
    let chain = chain.then(slow::stage()).then(awaited::stage()).then(none::stage()).heal();
    let (report, spans) = ground.run(App::new("flat").chain(chain), 1.0).await;
    assert_eq!(report.records, 1);
    let nodes = by_node(&spans);
    let [twice] = nodes["twice"][..] else { panic!("{spans:#?}") };
    assert!(twice.took() >= WORK && twice.took() < SHORT + WORK, "{twice:#?}");
    assert_eq!((nodes["slow"].len(), nodes["awaited"].len(), nodes["none"].len()), (2, 2, 2));
    assert!(nodes["none"].iter().all(|span| span.attribute("healer.skipped") == "true"));
    let [root] = roots(&spans)[..] else { panic!("{spans:#?}") };
    assert!(spans.iter().all(|span| span.trace == root.trace && span.is_within(root)), "{spans:#?}");
}

#[stage(batch, retry(2, backoff = "1ms"))]
fn save(rows: &Batch<u64>) -> Result<(), Again> {
    thread::sleep(WORK);
    let first = rows.iter().next().map(|(ctx, _)| ctx.attempt());
    if first == Some(1) { Err(Again) } else { Ok(()) }
}

#[stage(batch, retry(2, backoff = "1ms"))]
async fn add(rows: BatchMut<'_, u64>) -> Result<BatchMut<'_, u64>, Again> {
    tokio::time::sleep(WORK).await;
    let first = rows.iter().next().map(|(ctx, _)| ctx.attempt());
    if first == Some(1) { Err(Again) } else { Ok(rows.map(|row| row + 1)) }
}

#[allow(clippy::needless_pass_by_value, reason = "a closure gets what the node before it gives")]
fn values(rows: Batch<u64>) -> Vec<u64> {
    rows.iter().map(|(_, row)| *row).collect()
}

#[stage]
fn sum(rows: Vec<u64>) -> u64 {
    rows.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_a_trace_of_its_own_with_links_to_those_of_its_rows() {
    let ground = Ground::new(numbers(150)).await;
    let app = pipeline! {
        name "batches";
        numbers = kafka::json::<u64>("orders") => fast => batch(150, within = "30s") => save => add;
        numbers => map(values) => sum => kafka::to_json("charged").keyless() => heal;
    };
    let (report, spans) = ground.run(app, 1.0).await;
    assert_eq!(report.healed, 150);
    let roots = roots(&spans);
    let rows: Vec<_> = roots.iter().map(|root| (root.trace.clone(), root.id.clone())).collect();
    assert_eq!(rows.len(), 150);
    let nodes = by_node(&spans);
    let ([first, second], [again, add]) = (&nodes["save"][..], &nodes["add"][..]) else {
        panic!("{nodes:#?}")
    };
    for batch in [first, second, again, add] {
        assert!(batch.parent.is_empty() && batch.took() >= WORK && batch.took() < SHORT, "{batch:#?}");
        assert_eq!(batch.attribute("messaging.batch.message_count"), "150");
        assert_eq!((batch.links.len(), &batch.links[..]), (128, &rows[..128]));
        assert!(roots.iter().all(|root| root.trace != batch.trace && batch.is_within(root)));
    }
    let said = |span: &Span| (span.attribute("healer.attempt").to_owned(), span.error.clone());
    for (first, second) in [(first, second), (again, add)] {
        assert_eq!(said(first), ("1".to_owned(), Some("once more".to_owned())));
        assert_eq!(said(second), ("2".to_owned(), None));
    }
    let ([sum], [sink]) = (&nodes["sum"][..], &nodes["charged"][..]) else { panic!("{nodes:#?}") };
    for span in [sum, sink] {
        assert_eq!((&span.trace, &span.parent), (&add.trace, &add.id));
    }
    let [written] = &ground.written("charged")[..] else { panic!("one record") };
    let parent = format!("00-{}-{}-01", add.trace, sink.id);
    assert_eq!(super::header(written, "traceparent"), Some(&*parent));
}

#[stage(batch)]
async fn same(rows: BatchMut<'_, u64>) -> BatchMut<'_, u64> {
    rows.map(|row| row)
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_batch_that_was_taken_apart_spans_are_in_the_traces_of_their_records() {
    let ground = Ground::new(numbers(12)).await;
    let app = pipeline! {
        name "apart";
        numbers = kafka::json::<u64>("orders") => batch(12, within = "30s") => same => unbatch() => awaited;
        numbers => heal;
    };
    let (report, spans) = ground.run(app, 1.0).await;
    assert_eq!(report.healed, 12);
    let mut roots: Vec<_> = roots(&spans).iter().map(|root| (root.trace.clone(), root.id.clone())).collect();
    let nodes = by_node(&spans);
    let mut calls: Vec<_> =
        nodes["awaited"].iter().map(|call| (call.trace.clone(), call.parent.clone())).collect();
    roots.sort();
    calls.sort();
    assert_eq!(calls, roots, "a call is in the trace of its record");
}

#[stage]
fn fast(number: u64) -> u64 {
    number
}
