//! The topics that a source may read on a real Kafka, and logs that hold more than records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::common::{Seen, config, lines, until_committed};
use healer::prelude::*;
use healer_tests::kafka::{RealKafka, RealKafkaOptions, Record};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

type Topics = Arc<Seen<String>>;

#[stage]
fn note(line: String, ctx: &Context, #[state] topics: &Topics) -> String {
    topics.add(ctx.topic().to_owned());
    line
}

/// Makes topics of two partitions with 50 lines each.
fn filled<const N: usize>(kafka: &RealKafka, names: [&str; N]) -> [String; N] {
    let base = kafka.unique("of");
    names.map(|name| {
        let topic = format!("{base}-{name}");
        kafka.create_topic(&topic, 2, &[]).unwrap();
        kafka.produce(&topic, lines(50, 2)).unwrap();
        topic
    })
}

fn assert_all_committed(kafka: &RealKafka, group: &str, topics: &[String]) {
    for topic in topics {
        assert_eq!(kafka.committed(group, topic).unwrap(), kafka.end_offsets(topic).unwrap());
    }
}

fn counts(seen: &Topics) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for topic in seen.take() {
        *counts.entry(topic).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_topics_is_read_to_the_end_of_each() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topics = filled(kafka, ["east", "west", "north"]);
    let (group, seen) = (kafka.unique("group"), Topics::default());
    let app = pipeline! { name "list"; lines = kafka::text(&topics[..2]) => note; lines => heal; };
    let app = app.with(Arc::clone(&seen));
    let report = app.run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!((report.records, report.lag), (100, Some(0)));
    assert_all_committed(kafka, &group, &topics[..2]);
    let wanted = topics[..2].iter().map(|topic| (topic.clone(), 50));
    assert_eq!(counts(&seen), wanted.collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pattern_reads_all_topics_that_it_fits_and_no_other() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topics = filled(kafka, ["in-1", "in-2", "out"]);
    let (group, seen) = (kafka.unique("group"), Topics::default());
    let pattern = format!("^{}.*", topics[0].trim_end_matches('1'));
    let app = pipeline! { name "pattern"; lines = kafka::text(&pattern) => note; lines => heal; };
    let app = app.with(Arc::clone(&seen));
    let report = app.run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!((report.records, report.lag), (100, Some(0)));
    assert_all_committed(kafka, &group, &topics[..2]);
    let wanted = topics[..2].iter().map(|topic| (topic.clone(), 50));
    assert_eq!(counts(&seen), wanted.collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sources_flow_together() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let topics = filled(kafka, ["east", "west"]);
    let out = kafka.unique("both");
    kafka.create_topic(&out, 1, &[]).unwrap();
    let (group, seen) = (kafka.unique("group"), Topics::default());
    let app = pipeline! {
        name "union";
        east = kafka::text(&topics[0]) => map(|line: String| format!("east {line}"));
        west = kafka::text(&topics[1]) => map(|line: String| format!("west {line}"));
        both = union(east, west) => note;
        both => kafka::to_text(&out) => heal;
    };
    let app = app.with(Arc::clone(&seen));
    let report = app.run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!((report.records, report.healed, report.lag), (100, 100, Some(0)));
    assert_all_committed(kafka, &group, &topics);
    assert_eq!(counts(&seen), topics.iter().map(|topic| (topic.clone(), 50)).collect());
    let written: BTreeSet<_> = crate::common::texts(&kafka.read_all(&out).unwrap()).into_iter().collect();
    let wanted = (0..50).flat_map(|n| [format!("east line {n}"), format!("west line {n}")]);
    assert_eq!(written, wanted.collect());
}

/// Writes one record a partition in a transaction of its own.
fn transaction(producer: &BaseProducer, topic: &str, value: &str, commit: bool) {
    producer.begin_transaction().unwrap();
    for partition in 0..2 {
        let record = BaseRecord::<(), str>::to(topic).payload(value).partition(partition);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(crate::common::LIMIT).unwrap();
    if commit {
        producer.commit_transaction(crate::common::LIMIT).unwrap();
    } else {
        producer.abort_transaction(crate::common::LIMIT).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_ends_with_markers_of_transactions_is_committed_to_its_end() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (topic, group) = (kafka.unique("marked"), kafka.unique("group"));
    kafka.create_topic(&topic, 2, &[]).unwrap();
    let mut settings = kafka.client_config();
    settings.set("transactional.id", kafka.unique("transaction"));
    let producer: BaseProducer = settings.create().unwrap();
    producer.init_transactions(crate::common::LIMIT).unwrap();
    let app = || {
        pipeline! {
            name "marked";
            kafka::text(&topic) => filter(|line: &String| line == "kept", reason = "aborted") => heal;
        }
    };
    // After a commit the log ends with one marker, after the aborts with records that nobody may see and two more.
    let mut done = 0;
    for (values, wanted) in [(&[true][..], 2), (&[false, false], 0), (&[true, false], 2)] {
        for &kept in values {
            transaction(&producer, &topic, if kept { "kept" } else { "aborted" }, kept);
        }
        let report = app().run_until_end(config(kafka, &group)).await.unwrap();
        assert_eq!((report.records, report.healed, report.lag), (wanted, wanted, Some(0)));
        done += i64::try_from(values.len()).unwrap() * 2;
        let ends = kafka.end_offsets(&topic).unwrap();
        assert_eq!(ends, BTreeMap::from([(0, done), (1, done)]));
        assert_eq!(kafka.committed(&group, &topic).unwrap(), ends);
    }
    // A pipeline that runs on commits a marker by itself as well.
    let handle = app().start(config(kafka, &group)).await.unwrap();
    transaction(&producer, &topic, "aborted", false);
    until_committed(&handle, &BTreeMap::from([(0, done + 2), (1, done + 2)])).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().lag, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_were_deleted_before_the_start_are_no_gap() {
    let Some(kafka) = RealKafka::for_test() else {
        return;
    };
    let (topic, group) = (kafka.unique("cut"), kafka.unique("group"));
    kafka.create_topic(&topic, 3, &[]).unwrap();
    kafka.produce(&topic, lines(60, 3)).unwrap();
    // Half of one partition is gone, and all of another.
    let below = BTreeMap::from([(0, 10), (1, 20)]);
    kafka.delete_records(&topic, &below).unwrap();
    let app = pipeline! { name "cut"; kafka::text(&topic) => heal; };
    let report = app.run_until_end(config(kafka, &group)).await.unwrap();
    assert_eq!((report.records, report.lag), (30, Some(0)));
    let committed = kafka.committed(&group, &topic).unwrap();
    // A partition that holds nothing counts as reached without a commit.
    assert_eq!((committed.get(&0), committed.get(&2)), (Some(&20), Some(&20)));
    assert!(committed.get(&1).is_none_or(|offset| *offset == 20), "{committed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gaps_that_compaction_left_do_not_hold_the_commits() {
    let options = RealKafkaOptions {
        properties: vec![("log.cleaner.backoff.ms".to_owned(), "100".to_owned())],
        ..RealKafkaOptions::default()
    };
    let Some(kafka) = RealKafka::own_for_test(options) else {
        return;
    };
    let compacted = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.001"),
        ("segment.bytes", "1048576"),
        ("min.compaction.lag.ms", "0"),
    ];
    kafka.create_topic("kept", 1, &compacted).unwrap();
    // Several segments; only the last one is not compacted.
    let padding = "x".repeat(10_000);
    let again = |n: i32| Record::value(format!("{n} {padding}")).key(format!("key {}", n % 5));
    kafka.produce("kept", (0..400).map(again)).unwrap();
    let left = || kafka.read_all("kept").unwrap().len();
    let end = std::time::Instant::now() + crate::common::LIMIT;
    while left() > 200 {
        assert!(std::time::Instant::now() < end, "the broker compacts: {} left", left());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let app = pipeline! { name "kept"; kafka::bytes("kept") => heal; };
    let report = app.run_until_end(config(&kafka, "group")).await.unwrap();
    assert!(report.records <= 200 && report.lag == Some(0), "{report:?}");
    assert_eq!(kafka.committed("group", "kept").unwrap(), BTreeMap::from([(0, 400)]));
}
