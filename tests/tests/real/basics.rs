//! Whole pipelines on a real Kafka: records that are healed are committed, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::common::{Door, Seen, config, lines, settings, status, texts, until, until_committed};
use healer::prelude::*;
use healer::{Handle, Protocol};
use healer_tests::kafka::{RealKafka, Record};

#[stage]
async fn shout(line: String) -> String {
    tokio::task::yield_now().await;
    line.to_uppercase()
}

async fn heals_all(protocol: Protocol) {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (quiet, loud, group) = (kafka.unique("quiet"), kafka.unique("loud"), kafka.unique("group"));
    kafka.create_topic(&quiet, 4, &[]).unwrap();
    kafka.create_topic(&loud, 2, &[]).unwrap();
    kafka.produce(&quiet, lines(2_000, 4)).unwrap();
    let app = pipeline! {
        name "shout";
        lines = kafka::text(&quiet) => map(|line: String| line.replace("line", "row")) => shout;
        lines => kafka::to_text(&loud) => heal;
    };
    let config = settings(kafka.brokers(), &group).protocol(protocol).build().unwrap();
    let report = app.run_until_end(config).await.unwrap();
    assert_eq!((report.records, report.healed, report.lag), (2_000, 2_000, Some(0)));
    assert!(report.skipped.is_empty() && report.commits > 0, "{report:?}");
    assert_eq!(kafka.committed(&group, &quiet).unwrap(), kafka.end_offsets(&quiet).unwrap());
    let written = texts(&kafka.read_all(&loud).unwrap());
    assert_eq!(written.len(), 2_000);
    let wanted: BTreeSet<_> = (0..2_000).map(|n| format!("ROW {n}")).collect();
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_with_a_sink_heals_all_and_commits_the_end_with_the_classic_protocol() {
    heals_all(Protocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_with_a_sink_heals_all_and_commits_the_end_with_the_consumer_protocol() {
    heals_all(Protocol::Consumer).await;
}

/// Ends the pipeline from within, after so many records.
#[derive(Default)]
struct Brake {
    handle: OnceLock<Handle>,
    seen: Seen<(i32, i64)>,
}

#[stage]
fn count(line: String, ctx: &Context, #[state] brake: &Arc<Brake>) -> String {
    if brake.seen.add((ctx.partition(), ctx.offset())) == 1_500
        && let Some(handle) = brake.handle.get()
    {
        handle.stop();
    }
    line
}

async fn goes_on(protocol: Protocol) {
    const RECORDS: u64 = 40_000;
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
    kafka.create_topic(&topic, 4, &[]).unwrap();
    let brake = Arc::new(Brake::default());
    let app = || {
        let app = pipeline! { name "count"; lines = kafka::text(&topic) => count; lines => heal; };
        app.with(Arc::clone(&brake))
    };
    let config = || settings(kafka.brokers(), &group).protocol(protocol).build().unwrap();

    let handle = app().start(config()).await.unwrap();
    brake.handle.set(handle.clone()).ok().unwrap();
    kafka.produce(&topic, lines(40_000, 4)).unwrap();
    let first = handle.join().await.unwrap();
    assert!(first.records >= 1_500, "{first:?}");
    assert!(first.records < RECORDS, "{first:?}");
    let committed: i64 = kafka.committed(&group, &topic).unwrap().values().sum();
    assert_eq!(committed.unsigned_abs(), first.records, "what is done is committed, and not more");

    let second = app().run_until_end(config()).await.unwrap();
    assert_eq!(first.records + second.records, RECORDS, "no record twice");
    assert_eq!(second.lag, Some(0));
    let seen = brake.seen.take();
    assert_eq!(seen.len(), 40_000);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "every record once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_at_the_frontier_with_the_classic_protocol() {
    goes_on(Protocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_at_the_frontier_with_the_consumer_protocol() {
    goes_on(Protocol::Consumer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_and_headers_go_along_to_a_sink() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (from, to) = (kafka.unique("from"), kafka.unique("to"));
    kafka.create_topic(&from, 1, &[]).unwrap();
    kafka.create_topic(&to, 1, &[]).unwrap();
    let mut odd = Record::value("odd").header("twice", "1").header("twice", vec![0xff, 0]);
    odd.headers.push(("null".to_owned(), None));
    let sent = [Record::value("keyed").key("k").header("h", "v"), odd, Record::value("empty key").key("")];
    kafka.produce(&from, sent.clone()).unwrap();
    let app = pipeline! { name "along"; lines = kafka::text(&from) => kafka::to_text(&to); lines => heal; };
    app.run_until_end(config(kafka, &kafka.unique("group"))).await.unwrap();
    let read = kafka.read_all(&to).unwrap();
    assert_eq!(read.len(), sent.len());
    for (read, sent) in read.iter().zip(&sent) {
        assert_eq!((&read.key, &read.value, &read.headers), (&sent.key, &sent.value, &sent.headers));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_are_told_upward_and_only_when_the_broker_has_them() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
    kafka.create_topic(&topic, 2, &[]).unwrap();
    let app = pipeline! { name "plain"; kafka::text(&topic) => heal; };
    let handle = app.start(config(kafka, &group)).await.unwrap();
    let mut commits = handle.commits();
    let mut last = BTreeMap::new();
    for round in 1..=3 {
        kafka.produce(&topic, lines(100, 2)).unwrap();
        while last != BTreeMap::from([(0, 50 * round), (1, 50 * round)]) {
            let told = tokio::time::timeout(crate::common::LIMIT, commits.next()).await.unwrap().unwrap();
            assert_eq!(&*told.topic, topic);
            let before = last.insert(told.partition, told.offset);
            assert!(before.is_none_or(|before| before < told.offset), "upward");
            assert!(kafka.committed(&group, &topic).unwrap()[&told.partition] >= told.offset);
        }
    }
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.records, report.lag), (300, Some(0)));
    assert_eq!(commits.next().await, None, "the stream ends with the pipeline");
}

#[stage]
async fn wait(line: String, #[state] door: &Arc<Door>) -> String {
    if line == "line 41" {
        door.pass().await;
    }
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_hangs_is_named_and_the_other_partitions_go_on() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
    kafka.create_topic(&topic, 4, &[]).unwrap();
    kafka.produce(&topic, lines(200, 4)).unwrap();
    let door = Arc::new(Door::default());
    let app = pipeline! {
        name "hangs";
        lines = kafka::text(&topic) => map(|line: String| line) => wait;
        lines => heal;
    };
    let app = app.with(Arc::clone(&door));
    let handle = app.start(config(kafka, &group)).await.unwrap();
    // Partition 1 holds lines 1, 5, 9 …: line 41 is at offset 10.
    until_committed(&handle, &BTreeMap::from([(0, 50), (1, 10), (2, 50), (3, 50)])).await;
    let blocked = || status(&handle, 1).unwrap().blocked;
    until("the blocking record is named", || blocked().is_some_and(|blocked| !blocked.lasting.is_zero()))
        .await;
    let stuck = status(&handle, 1).unwrap();
    assert_eq!((stuck.frontier, stuck.pending), (10, 40));
    let blocked = stuck.blocked.unwrap();
    assert_eq!((blocked.offset, &*blocked.stage), (10, "lines.map.wait"));
    assert!([0, 2, 3].map(|at| status(&handle, at).unwrap().blocked) == [None, None, None]);
    door.open();
    until_committed(&handle, &BTreeMap::from([(0, 50), (1, 50), (2, 50), (3, 50)])).await;
    assert!(status(&handle, 1).unwrap().blocked.is_none());
    handle.stop();
    assert_eq!(handle.join().await.unwrap().lag, Some(0));
}
