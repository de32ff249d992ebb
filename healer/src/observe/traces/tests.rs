use std::{
    collections::BTreeMap,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use opentelemetry::{
    Value,
    trace::{SpanId, SpanKind, Status},
};
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

use super::{Span, Trace, Traces, Tracing};
use crate::{
    broker::{ReadHeaders, RecordRef, TopicPartition},
    context::Context,
    record::Headers,
};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// How a collector in memory treats spans.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Takes,
    Refuses,
    Hangs,
}

#[derive(Clone, Debug)]
struct Collector(Manner, Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        assert!(batch.len() <= 512, "what a collector takes at once has a bound");
        match self.0 {
            Manner::Takes => {
                self.1.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
                Ok(())
            }
            Manner::Refuses => Err(OTelSdkError::InternalFailure("the disk is full".to_owned())),
            Manner::Hangs => pending().await,
        }
    }
}

/// A pipeline whose traces are kept.
struct Rig {
    traces: Traces,
    tracing: Tracing,
    collected: Arc<Mutex<Vec<SpanData>>>,
}

impl Rig {
    fn new(manner: Manner, ratio: f64) -> Self {
        let collector = Collector(manner, Arc::default());
        let collected = Arc::clone(&collector.1);
        let traces = Traces::start("service", ratio, || Ok(collector)).expect("a thread");
        let tracing = Tracing::new(traces.tracer(), "payments", Some("group"));
        Self { traces, tracing, collected }
    }

    /// The trace of a record with these headers.
    fn begin(&self, headers: &[(&str, &str)]) -> Trace {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.push(*name, Some(*value));
        }
        let partition = TopicPartition { topic: Arc::from("orders"), partition: 3 };
        let source = self.tracing.source(Arc::from("orders"), &partition);
        source.begin(&RecordRef {
            slot: 0,
            offset: 41,
            leader_epoch: None,
            timestamp: Some(1_700_000_000_123),
            key: None,
            value: None,
            headers: &Given(all),
        })
    }

    /// A record's context.
    fn context(&self) -> Context {
        let mut context = Context::reusable(Arc::from("orders"), 3);
        context.set_trace(self.begin(&[]));
        context
    }

    /// All spans, in the order of their ends.
    fn end(self) -> Vec<SpanData> {
        drop(self.traces);
        self.collected.lock().expect("no panic").clone()
    }
}

struct Given(Headers);

impl ReadHeaders for Given {
    fn read(&self, into: &mut Headers) {
        *into = self.0.clone();
    }
}

fn path() -> Arc<str> {
    Arc::from("orders.charge")
}

fn attributes(span: &SpanData) -> BTreeMap<&str, Value> {
    span.attributes.iter().map(|pair| (pair.key.as_str(), pair.value.clone())).collect()
}

#[test]
fn a_record_is_one_trace_and_its_calls_lie_within_it() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let trace = rig.begin(&[]);
    let mut call = trace.call(&path(), 1);
    call.begin();
    sleep(Duration::from_millis(2));
    call.end(Ok(true));
    sleep(Duration::from_millis(2));
    drop((call, trace));
    let [call, record] = &rig.end()[..] else { panic!("two spans") };
    assert_eq!((&*call.name, &*record.name), ("orders.charge", "orders"));
    assert_eq!(call.span_context.trace_id(), record.span_context.trace_id());
    assert_eq!(
        (call.parent_span_id, record.parent_span_id),
        (record.span_context.span_id(), SpanId::INVALID)
    );
    assert!(!call.parent_span_is_remote && !record.parent_span_is_remote);
    assert_eq!((&call.span_kind, &record.span_kind), (&SpanKind::Internal, &SpanKind::Consumer));
    assert!(record.start_time <= call.start_time && call.end_time < record.end_time);
    let took = call.end_time.duration_since(call.start_time).expect("it ends after its begin");
    assert!(took >= Duration::from_millis(2), "{took:?}");
    assert_eq!((&call.status, &record.status), (&Status::Unset, &Status::Unset));
    let emit_id = crate::record::emit_id("orders", 3, 41, Some(1_700_000_000_123)).to_string();
    let expected: BTreeMap<&str, Value> = [
        ("messaging.system", "kafka".into()),
        ("messaging.operation.name", "process".into()),
        ("messaging.operation.type", "process".into()),
        ("messaging.destination.name", "orders".into()),
        ("messaging.destination.partition.id", "3".into()),
        ("messaging.kafka.offset", 41.into()),
        ("messaging.consumer.group.name", "group".into()),
        ("healer.pipeline", "payments".into()),
        ("healer.emit_id", emit_id.into()),
    ]
    .into();
    assert_eq!(attributes(record), expected);
    assert_eq!(attributes(call), [("healer.attempt", 1.into())].into());
    assert_eq!(call.instrumentation_scope.name(), "healer");
}

#[test]
fn what_sent_a_record_decides_and_its_trace_goes_on() {
    for ratio in [0.0, 1.0] {
        let rig = Rig::new(Manner::Takes, ratio);
        assert!(!rig.begin(&[("traceparent", UNSAMPLED)]).is_on());
        let trace = rig.begin(&[("tracestate", "a=1,b=2"), ("traceparent", PARENT), ("other", "x")]);
        let mut sent = trace.sends(&path());
        sent.begin();
        let before = [("a", "1"), ("traceparent", "old"), ("tracestate", "old"), ("traceparent", "older")];
        let mut headers = Headers::new();
        for (name, value) in before {
            headers.push(name, Some(value));
        }
        let headers = sent.sends_to(&Arc::from("charged"), &headers).expect("it is traced");
        sent.end(Ok(true));
        drop(trace);
        let [sent, record] = &rig.end()[..] else { panic!("two spans") };
        assert_eq!(record.span_context.trace_id().to_string(), &PARENT[3..35]);
        assert_eq!(
            (record.parent_span_id.to_string().as_str(), record.parent_span_is_remote),
            (&PARENT[36..52], true)
        );
        assert_eq!(record.span_context.trace_state().header(), "a=1,b=2");
        assert_eq!(sent.span_kind, SpanKind::Producer);
        assert_eq!(attributes(sent)["messaging.destination.name"], "charged".into());
        let parent = format!("00-{}-{}-01", &PARENT[3..35], sent.span_context.span_id());
        let text = |(name, value): (&str, Option<&[u8]>)| {
            (name.to_owned(), String::from_utf8(value.unwrap_or_default().to_vec()).expect("text"))
        };
        let expected = [("a", "1"), ("traceparent", &*parent), ("tracestate", "a=1,b=2")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers.iter().map(text).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_parent_that_cannot_be_read_is_none() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let zeros = "00-00000000000000000000000000000000-0000000000000000-01";
    for text in ["", "00", "nonsense", &PARENT[..50], zeros, &PARENT.to_uppercase()] {
        drop(rig.begin(&[("traceparent", text)]));
    }
    let spans = rig.end();
    assert_eq!(spans.len(), 6);
    for span in &spans {
        assert_eq!(span.parent_span_id, SpanId::INVALID);
        assert_ne!(span.span_context.trace_id().to_string(), &PARENT[3..35]);
    }
}

#[test]
fn as_many_are_traced_as_the_ratio_says() {
    for (ratio, least, most) in [(0.0, 0, 0), (0.25, 400, 600), (1.0, 2_000, 2_000)] {
        let rig = Rig::new(Manner::Takes, ratio);
        let traced = (0..2_000).filter(|_| rig.begin(&[]).is_on()).count();
        assert!((least..=most).contains(&traced), "{traced} with {ratio}");
        assert_eq!(rig.end().len(), traced);
    }
}

impl Rig {
    fn batch(&self, rows: &[(Context, usize)]) -> Span {
        let first = || (rows[0].0.emit_id(), rows[0].0.attempt());
        let traces = rows.iter().map(|(row, _)| row.trace());
        self.tracing.batch(&path(), traces, first)
    }
}

#[test]
fn a_batch_has_links_to_its_rows_and_what_becomes_of_it_is_in_its_trace() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let mut rows: Vec<_> = (0..200).map(|row| (rig.context(), row)).collect();
    rows.push((Context::reusable(Arc::from("orders"), 3), 200));
    let ids: Vec<_> = rows.iter().filter_map(|(row, _)| row.trace().ids().cloned()).collect();
    let mut call = rig.batch(&rows);
    call.begin();
    let follow = call.follow();
    call.end(Ok(true));
    follow.call(&Arc::from("orders.sum"), 1).begin();
    let untraced = [(Context::reusable(Arc::from("orders"), 3), 0)];
    let mut none = rig.batch(&untraced);
    none.begin();
    none.end(Ok(true));
    drop((rows, follow));
    let spans = rig.end();
    assert_eq!(spans.len(), 202);
    let (batch, sum) = (&spans[0], &spans[1]);
    assert_eq!((&*batch.name, batch.parent_span_id), ("orders.charge", SpanId::INVALID));
    assert!(ids.iter().all(|row| row.trace_id() != batch.span_context.trace_id()));
    let links: Vec<_> = batch.links.iter().map(|link| link.span_context.clone()).collect();
    assert_eq!((&links[..], batch.links.dropped_count), (&ids[..128], 72));
    assert_eq!(attributes(batch)["messaging.batch.message_count"], 201.into());
    assert_eq!(sum.parent_span_id, batch.span_context.span_id());
    assert_eq!(sum.span_context.trace_id(), batch.span_context.trace_id());
}

#[test]
fn errors_are_told_and_those_that_cannot_be_said_harm_nothing() {
    struct Unspeakable;
    impl std::fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }

    let rig = Rig::new(Manner::Takes, 1.0);
    let trace = rig.begin(&[]);
    let call = |end: &dyn Fn(&mut Span)| {
        let mut call = trace.call(&path(), 2);
        call.begin();
        end(&mut call);
    };
    call(&|call| call.end(Err(&"no funds")));
    call(&|call| call.end(Err(&Unspeakable)));
    call(&|call| call.end(Err(&"ü".repeat(4_000))));
    call(&|_| {});
    catch_unwind(AssertUnwindSafe(|| call(&|_| panic!("a bug")))).expect_err("it panics");
    call(&|call| call.end(Ok(false)));
    // Nobody was called.
    drop(trace.call(&path(), 1));
    trace.fail(&"given up");
    trace.fail(&"said too late");
    drop(trace);
    let spans = rig.end();
    let said: Vec<_> = spans
        .iter()
        .map(|span| match &span.status {
            Status::Error { description } => description.as_ref(),
            _ => "",
        })
        .collect();
    let [funds, unspeakable, long, cancelled, panic, skipped, given_up] = said[..] else {
        panic!("{said:?}")
    };
    assert_eq!((funds, cancelled, panic, skipped), ("no funds", "it was cancelled", "a panic", ""));
    assert_eq!((unspeakable, long.len()), ("an error whose `Display` panics", 4_095));
    assert!(long.ends_with("ü…"));
    assert_eq!(given_up, "given up");
    assert_eq!(attributes(&spans[5])["healer.skipped"], true.into());
    assert_eq!(attributes(&spans[0])["healer.attempt"], 2.into());
}

#[test]
fn what_others_take_meanwhile_is_none_of_a_calls_own() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let trace = rig.begin(&[]);
    let mut call = trace.call(&path(), 1);
    call.begin();
    for _ in 0..2 {
        call.resume();
        sleep(Duration::from_millis(5));
        call.pause();
        sleep(Duration::from_millis(200));
    }
    call.end(Ok(true));
    drop(trace);
    let took =
        |span: &SpanData| span.end_time.duration_since(span.start_time).expect("it ends after its begin");
    let [call, record] = &rig.end()[..] else { panic!("two spans") };
    let own = took(call);
    assert!(own >= Duration::from_millis(10) && own < Duration::from_millis(200), "{own:?}");
    assert!(took(record) >= Duration::from_millis(410));
}

#[test]
fn a_trace_ends_with_its_record_though_a_user_keeps_its_context() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let context = rig.context();
    let kept_by_a_user = context.clone();
    let kept = [context.keep(true), context.keep(false)];
    assert!(kept.iter().all(|kept| kept.trace().is_on() && kept.watch().is_traced()));
    assert!(!context.of_many(2).trace().is_on() && !context.of_many(2).watch().is_traced());
    let tracer = rig.traces.tracer().expect("it is on");
    drop(context);
    assert_eq!(tracer.under_way(), 1);
    drop(kept);
    assert_eq!(tracer.under_way(), 0);
    assert_eq!(rig.end().len(), 1);
    assert!(!kept_by_a_user.trace().is_on());
}

#[test]
fn traces_that_are_about_to_end_are_waited_for() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let trace = rig.begin(&[]);
    let late = std::thread::spawn(move || {
        sleep(Duration::from_millis(100));
        drop(trace);
    });
    assert_eq!(rig.end().len(), 1);
    late.join().expect("no panic");
}

#[test]
fn after_the_end_nothing_is_traced_and_nothing_fails() {
    let rig = Rig::new(Manner::Takes, 1.0);
    let partition = TopicPartition { topic: Arc::from("orders"), partition: 3 };
    let source = rig.tracing.source(Arc::from("orders"), &partition);
    let trace = rig.begin(&[]);
    assert!(source.is_on());
    assert_eq!(rig.end(), Vec::<SpanData>::new());
    assert!(!source.is_on());
    drop(trace);
}

#[test]
fn a_collector_that_hangs_holds_up_nothing_and_the_end_has_its_bound() {
    let rig = Rig::new(Manner::Hangs, 1.0);
    let tracer = rig.traces.tracer().expect("it is on");
    let began = Instant::now();
    for _ in 0..20_000 {
        drop(rig.begin(&[]));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // The spans that wait, and those that the collector has.
    assert!(tracer.waiting() <= 8_192 + 512 + 1, "{} wait", tracer.waiting());
    let began = Instant::now();
    rig.end();
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    assert_eq!(tracer.waiting(), 0);
}

#[tokio::test]
async fn a_collector_that_refuses_costs_the_spans_and_no_more() {
    let rig = Rig::new(Manner::Refuses, 1.0);
    let tracer = rig.traces.tracer().expect("it is on");
    for _ in 0..600 {
        drop(rig.begin(&[]));
    }
    rig.traces.shutdown().await;
    assert_eq!(tracer.waiting(), 0);
}

#[cfg(feature = "logs")]
#[test]
fn how_many_spans_were_dropped_is_logged_once_a_second() {
    let rig = Rig::new(Manner::Hangs, 1.0);
    let log = Log::default();
    let into = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || into.clone()).with_ansi(false).finish();
    let began = Instant::now();
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..12_000 {
            drop(rig.begin(&[]));
        }
    });
    let text = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("text");
    let lines = text.lines().filter(|line| line.contains("spans of traces were dropped")).count();
    let most = began.elapsed().as_secs() + 1;
    assert!(lines >= 1 && lines as u64 <= most, "{lines} lines in {most} s: {text}");
    assert!(text.contains("dropped=1 ") && text.contains("too many wait"), "{text}");
}

#[cfg(feature = "logs")]
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

#[cfg(feature = "logs")]
impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
