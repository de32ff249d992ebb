//! Traces of whole pipelines, as a collector gets them.
#![allow(clippy::unused_async, reason = "a stage is asynchronous by its signature")]

#[path = "../common/mod.rs"]
mod common;

mod collector;
mod kinds;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use collector::{Collector, Span};
use common::settings;
use healer::Report;
use healer::observe::init_traces;
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, Received, TestRecord};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tokio::sync::{Mutex, MutexGuard};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";

/// How long a slow stage takes.
const SLOW: Duration = Duration::from_millis(300);

/// A span shorter than that cannot hold the time of a slow stage.
const SHORT: Duration = Duration::from_millis(150);

/// The tracer is the process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn traceparent(sampled: bool) -> String {
    format!("00-{TRACE}-{SENDER}-0{}", u8::from(sampled))
}

/// A broker, a collector, and the right to be the one test that runs.
struct Ground {
    kafka: EmbeddedKafka,
    collector: Collector,
    /// That run lanes.
    threads: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Ground {
    async fn new(records: impl IntoIterator<Item = TestRecord>) -> Self {
        let alone = ONE_AT_A_TIME.lock().await;
        let kafka = EmbeddedKafka::start().expect("the mock starts");
        for topic in ["orders", "charged", "dead"] {
            kafka.create_topic(topic, 1).expect("a topic");
        }
        kafka.produce("orders", records).expect("all are acknowledged");
        Self { kafka, collector: Collector::start(), threads: 1, _alone: alone }
    }

    /// Runs a pipeline to the end of its topics.
    async fn run(&self, app: App, ratio: f64) -> (Report, Vec<Span>) {
        let config = settings(self.kafka.brokers(), "group")
            .traces(true)
            .otlp_host("127.0.0.1")
            .otlp_port(self.collector.port)
            .traces_ratio(ratio)
            .threads(self.threads)
            .service_name("payments");
        let config = config.build().expect("the settings are right");
        let traces = init_traces(config.traces()).expect("they begin");
        assert!(traces.is_on());
        let report = app.run_until_end(config).await.expect("it ends well");
        traces.shutdown().await;
        (report, self.collector.spans())
    }

    fn written(&self, topic: &str) -> Vec<Received> {
        self.kafka.records(topic).expect("records")
    }
}

fn header<'r>(record: &'r Received, name: &str) -> Option<&'r str> {
    record.headers.get(name).map(|value| std::str::from_utf8(value).expect("text"))
}

/// The one span of a node in a trace.
fn one<'s>(spans: &'s [Span], trace: &str, node: &str) -> &'s Span {
    let found: Vec<_> = spans.iter().filter(|span| span.trace == trace && span.node() == node).collect();
    let [span] = found[..] else { panic!("{node}: {found:#?}") };
    span
}

/// The traces' first spans, in the order of their records.
fn roots(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == SpanKind::Consumer).collect()
}

#[stage]
fn trim(mut line: String) -> String {
    line.truncate(line.trim_end().len());
    line
}

#[derive(Debug, thiserror::Error)]
#[error("the bank is busy")]
struct Busy;

#[stage(retry(2, backoff = "1ms"))]
async fn charge(line: String, ctx: &Context) -> Result<String, Busy> {
    tokio::time::sleep(SLOW).await;
    if line == "flaky" && ctx.attempt() == 1 { Err(Busy) } else { Ok(line) }
}

#[stage]
fn cheap(line: String) -> String {
    line
}

#[stage]
fn slow(line: String) -> String {
    thread::sleep(SLOW);
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_one_trace_from_its_sender_to_its_sink() {
    let sent = TestRecord::new().value("flaky").header("traceparent", Some(traceparent(true)));
    let sent = sent.header("tracestate", Some("vendor=1")).header("other", Some("kept"));
    let ground = Ground::new([TestRecord::new().value("good "), sent]).await;
    let app = pipeline! {
        name "payments";
        orders = kafka::text("orders") => trim => charge => cheap => slow;
        orders => kafka::to_text("charged") => heal;
    };
    let (report, spans) = ground.run(app, 1.0).await;
    assert_eq!(report.healed, 2);
    // Of the second record the charge is tried twice.
    assert_eq!(spans.len(), 6 + 7, "{spans:#?}");
    assert!(spans.iter().all(|span| span.service == "payments"));
    let [good, flaky] = roots(&spans)[..] else { panic!("two records: {spans:#?}") };
    assert!(good.trace != flaky.trace && good.parent.is_empty());
    assert_eq!((&*flaky.trace, &*flaky.parent, &*flaky.state), (TRACE, SENDER, "vendor=1"));

    for (offset, root) in [good, flaky].into_iter().enumerate() {
        assert_eq!(root.name, "orders");
        assert_eq!(root.attribute("messaging.kafka.offset"), offset.to_string());
        for (name, value) in [
            ("messaging.system", "kafka"),
            ("messaging.destination.name", "orders"),
            ("messaging.destination.partition.id", "0"),
            ("messaging.consumer.group.name", "group"),
            ("healer.pipeline", "payments"),
        ] {
            assert_eq!(root.attribute(name), value, "{name}");
        }
        assert_eq!(root.attribute("healer.emit_id").len(), 36);
        let others = || spans.iter().filter(|span| span.trace == root.trace && span.id != root.id);
        assert!(others().all(|span| span.parent == root.id && span.is_within(root)), "{spans:#?}");
        for node in ["trim", "cheap"] {
            let span = one(&spans, &root.trace, node);
            assert!(span.took() < SHORT && span.kind == SpanKind::Internal, "{span:#?}");
        }
        let (slow, sink) = (one(&spans, &root.trace, "slow"), one(&spans, &root.trace, "charged"));
        assert!(slow.took() >= SLOW && slow.name == "orders.trim.charge.cheap.slow", "{slow:#?}");
        assert!(sink.kind == SpanKind::Producer && sink.start >= slow.end, "{sink:#?}");
        assert_eq!(sink.attribute("messaging.destination.name"), "charged");
        let record = &ground.written("charged")[offset];
        let parent = format!("00-{}-{}-01", root.trace, sink.id);
        assert_eq!(header(record, "traceparent"), Some(&*parent));
        assert_eq!(record.headers.iter().filter(|(name, _)| *name == "traceparent").count(), 1);
    }
    assert!(one(&spans, &good.trace, "charge").took() >= SLOW);
    let attempts: Vec<_> =
        spans.iter().filter(|span| span.trace == TRACE && span.node() == "charge").collect();
    let said: Vec<_> =
        attempts.iter().map(|span| (span.attribute("healer.attempt"), span.error.as_deref())).collect();
    assert_eq!(said, [("1", Some("the bank is busy")), ("2", None)]);
    assert!(attempts.iter().all(|span| span.took() >= SLOW && span.took() < 2 * SLOW), "{attempts:#?}");
    assert!(good.error.is_none() && flaky.error.is_none());

    let [good, flaky] = &ground.written("charged")[..] else { panic!("two records") };
    assert_eq!((header(good, "tracestate"), header(flaky, "tracestate")), (None, Some("vendor=1")));
    assert_eq!(header(flaky, "other"), Some("kept"));
}

#[derive(Debug, thiserror::Error)]
#[error("{0} was refused")]
struct Refused(u64);

#[stage(on_error = dead_letter("dead"))]
fn refuse(number: u64) -> Result<u64, Refused> {
    if number == 13 { Err(Refused(number)) } else { Ok(number) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_in_the_trace_and_a_dead_letter_is_as_it_came_in() {
    let bad = TestRecord::new().value("13").header("traceparent", Some(traceparent(true)));
    let ground = Ground::new([TestRecord::new().value("1"), bad, TestRecord::new().value("no number")]).await;
    let chain = kafka::json::<u64>("orders").on_error(OnError::Skip).stream("orders");
    let chain = chain.then(refuse::stage()).heal();
    let (report, spans) = ground.run(App::new("numbers").chain(chain), 1.0).await;
    assert_eq!((report.healed, report.dead_lettered), (1, 1));
    let [well, bad, undecodable] = roots(&spans)[..] else { panic!("three records: {spans:#?}") };
    assert_eq!((&well.error, &one(&spans, &well.trace, "refuse").error), (&None, &None));
    assert_eq!(bad.error.as_deref(), Some("13 was refused"));
    assert_eq!(one(&spans, &bad.trace, "refuse").error.as_deref(), Some("13 was refused"));
    assert!(undecodable.error.is_some(), "{undecodable:#?}");
    assert_eq!(spans.len(), 5, "{spans:#?}");
    let [letter] = &ground.written("dead")[..] else { panic!("one letter") };
    assert_eq!(header(letter, "traceparent"), Some(&*traceparent(true)));
}

fn to_sink() -> App {
    let orders = kafka::text("orders").stream("orders").then(trim::stage());
    App::new("payments").chain(orders.then(kafka::to_text("charged")).heal())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_of_0_leaves_those_whose_sender_is_traced() {
    let of_sender =
        |sampled| TestRecord::new().value("of a sender").header("traceparent", Some(traceparent(sampled)));
    // With threads of their own lanes are given copies of the records.
    for threads in [1, 2] {
        let records = [of_sender(false), TestRecord::new().value("of none"), of_sender(true)];
        let ground = Ground { threads, ..Ground::new(records).await };
        let (report, spans) = ground.run(to_sink(), 0.0).await;
        assert_eq!(report.healed, 3);
        assert_eq!(spans.len(), 3, "{spans:#?}");
        assert!(spans.iter().all(|span| span.trace == TRACE));
        let written = ground.written("charged");
        assert_eq!(header(&written[0], "traceparent"), Some(&*traceparent(false)));
        assert_eq!(header(&written[1], "traceparent"), None);
        let sink = one(&spans, TRACE, "charged");
        assert_eq!(header(&written[2], "traceparent"), Some(&*format!("00-{TRACE}-{}-01", sink.id)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_read_for_traces_also_where_no_node_reads_them() {
    for threads in [1, 2] {
        let sent = TestRecord::new().value("1").header("traceparent", Some(traceparent(true)));
        let ground = Ground { threads, ..Ground::new([sent]).await };
        let chain = kafka::text("orders").stream("orders").then(trim::stage()).heal();
        let (_, spans) = ground.run(App::new("payments").chain(chain), 0.0).await;
        let names: Vec<_> = spans.iter().map(|span| (&*span.trace, &*span.name)).collect();
        assert_eq!(names, [(TRACE, "orders"), (TRACE, "orders.trim")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_of_0_without_senders_gives_no_spans() {
    let ground = Ground::new((0..100).map(|n| TestRecord::new().value(n.to_string()))).await;
    let (report, spans) = ground.run(to_sink(), 0.0).await;
    assert_eq!((report.healed, spans.len()), (100, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_many_has_its_spans() {
    let ground = Ground::new((0..1_000).map(|n| TestRecord::new().value(n.to_string()))).await;
    let (report, spans) = ground.run(to_sink(), 1.0).await;
    assert_eq!((report.healed, spans.len()), (1_000, 3_000));
    let traces: BTreeSet<_> = spans.iter().map(|span| &span.trace).collect();
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.id).collect();
    assert_eq!((traces.len(), ids.len()), (1_000, 3_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_not_felt() {
    let ground = Ground::new((0..10_000).map(|n| TestRecord::new().value(n.to_string()))).await;
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let config = settings(ground.kafka.brokers(), "group").traces(true).otlp_port(port);
    let config = config.build().expect("the settings are right");
    let traces = init_traces(config.traces()).expect("nobody is asked");
    let report = to_sink().run_until_end(config).await.expect("it ends well");
    assert_eq!((report.healed, report.lag), (10_000, Some(0)));
    let began = Instant::now();
    traces.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_traces_nothing_is_sent_and_headers_stay() {
    let record = TestRecord::new().value("1").header("traceparent", Some(traceparent(true)));
    let ground = Ground::new([record]).await;
    let config = settings(ground.kafka.brokers(), "group").otlp_port(ground.collector.port);
    let config = config.build().expect("the settings are right");
    let traces = init_traces(config.traces()).expect("there is nothing to do");
    assert!(!traces.is_on());
    to_sink().run_until_end(config).await.expect("it ends well");
    drop(traces);
    assert!(ground.collector.spans().is_empty());
    assert_eq!(header(&ground.written("charged")[0], "traceparent"), Some(&*traceparent(true)));
}

/// The pipeline's runtime is not that of the traces.
#[test]
fn traces_are_sent_after_the_programs_runtime_is_gone() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let ground = runtime.block_on(Ground::new([TestRecord::new().value("1")]));
    let config = settings(ground.kafka.brokers(), "group").traces(true).otlp_port(ground.collector.port);
    let config = config.otlp_host("127.0.0.1").build().expect("the settings are right");
    let traces = init_traces(config.traces()).expect("they begin, in no runtime");
    runtime.block_on(to_sink().run_until_end(config)).expect("it ends well");
    drop(runtime);
    drop(traces);
    assert_eq!(ground.collector.spans().len(), 3);
}
