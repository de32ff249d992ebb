//! `latest` skips the records that were there when the group began; a start time skips the records that are older.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::common::{LIMIT, Seen, lines, settings, until, until_committed};
use healer::prelude::*;
use healer::{ConfigBuilder, Handle, Protocol, SeekTo, Start};
use healer_tests::kafka::{RealKafka, Record};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

type Values = Arc<Seen<String>>;

#[stage]
fn note(line: String, #[state] seen: &Values) -> String {
    seen.add(line.clone());
    line
}

fn app(topics: &str, seen: &Values) -> App {
    let app = pipeline! { name "latest"; lines = kafka::text(topics) => note; lines => heal; };
    app.with(Arc::clone(seen))
}

/// Settings of a member that soon hears of new topics and partitions.
fn eager(kafka: &RealKafka, group: &str, start: Start) -> ConfigBuilder {
    settings(kafka.brokers(), group).start(start).set("topic.metadata.refresh.interval.ms", "200")
}

fn kept(kafka: &RealKafka, topic: &str, count: i32, what: &str) {
    let record = |n| Record::value(format!("{what} {n}")).partition(0);
    kafka.produce(topic, (0..count).map(record)).unwrap();
}

async fn stop(handle: &Handle) -> healer::Report {
    handle.stop();
    handle.join().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_comes_to_a_pattern_is_read_from_its_first_record() {
    let Some(kafka) = RealKafka::for_test() else { return };
    for protocol in [Protocol::Classic, Protocol::Consumer] {
        let (base, group, seen) = (kafka.unique("of"), kafka.unique("group"), Values::default());
        let (old, new) = (format!("{base}-old"), format!("{base}-new"));
        kafka.create_topic(&old, 1, &[]).unwrap();
        kept(kafka, &old, 10, "before");
        let config = || eager(kafka, &group, Start::Latest).protocol(protocol).build().unwrap();
        let pattern = format!("^{base}-.*");
        let handle = app(&pattern, &seen).start(config()).await.unwrap();
        until_committed(&handle, &BTreeMap::from([(0, 10)])).await;
        kafka.create_topic(&new, 1, &[]).unwrap();
        kept(kafka, &new, 10, "after");
        until("the new topic is read", || seen.len() == 10).await;
        assert!(seen.take().iter().all(|value| value.starts_with("after")));
        assert_eq!(stop(&handle).await.healed, 10);
        // One that came while nobody ran is read as well: the group had begun.
        let later = format!("{base}-later");
        kafka.create_topic(&later, 1, &[]).unwrap();
        kept(kafka, &later, 5, "after");
        let report = app(&pattern, &seen).run_until_end(config()).await.unwrap();
        assert_eq!((report.healed, report.lag), (5, Some(0)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_is_added_is_read_from_its_first_record() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, group, seen) = (kafka.unique("grows"), kafka.unique("group"), Values::default());
    kafka.create_topic(&topic, 1, &[]).unwrap();
    kept(kafka, &topic, 10, "before");
    let config = || eager(kafka, &group, Start::Latest).build().unwrap();
    let added = |partitions: u16| {
        kafka.grow_topic(&topic, partitions).unwrap();
        let record = |n| Record::value(format!("after {n}")).partition(i32::from(partitions) - 1);
        kafka.produce(&topic, (0..10).map(record)).unwrap();
    };
    let handle = app(&topic, &seen).start(config()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 10)])).await;
    added(2);
    until("it is read while the group runs", || seen.len() == 10).await;
    assert_eq!(stop(&handle).await.healed, 10);
    added(3);
    let report = app(&topic, &seen).run_until_end(config()).await.unwrap();
    assert_eq!((report.healed, report.lag), (10, Some(0)), "also where nobody ran");
    assert!(seen.take().iter().all(|value| value.starts_with("after")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_new_to_the_code_and_members_of_a_new_group_follow_start() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (one, other, group) = (kafka.unique("one"), kafka.unique("other"), kafka.unique("group"));
    for topic in [&one, &other] {
        kafka.create_topic(topic, 4, &[]).unwrap();
        kafka.produce(topic, lines(40, 4)).unwrap();
    }
    let seen = Values::default();
    let config = || eager(kafka, &group, Start::Latest).build().unwrap();
    let members = [app(&one, &seen).start(config()).await, app(&one, &seen).start(config()).await];
    let members = members.map(Result::unwrap);
    let is_known = || kafka.committed(&group, &one).unwrap().len() == 4;
    until("the members have shared it", || {
        is_known() && members.iter().all(|member| !member.partitions().is_empty())
    })
    .await;
    for member in &members {
        stop(member).await;
    }
    let both = [one.clone(), other.clone()];
    let app = pipeline! { name "latest"; lines = kafka::text(&both[..]) => note; lines => heal; };
    let report = app.with(Arc::clone(&seen)).run_until_end(config()).await.unwrap();
    assert_eq!((report.healed, report.lag, seen.len()), (0, Some(0), 0));
}

/// 2013-01-01T00:00:00Z in milliseconds.
const JANUARY: i64 = 1_356_998_400_000;

/// Transactions of now, with records of 2013, one a minute, up and down.
fn in_transactions(kafka: &RealKafka, topic: &str) {
    let mut settings = kafka.client_config();
    settings.set("transactional.id", kafka.unique("transaction"));
    let producer: BaseProducer = settings.create().unwrap();
    producer.init_transactions(LIMIT).unwrap();
    for minutes in [[1, 2, 3], [9, 4, 8], [5, 7, 6]] {
        producer.begin_transaction().unwrap();
        for minute in minutes {
            let value = minute.to_string();
            let record = BaseRecord::<(), str>::to(topic).payload(&value).partition(0);
            producer.send(record.timestamp(JANUARY + minute * 60_000)).map_err(|(error, _)| error).unwrap();
        }
        producer.commit_transaction(LIMIT).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_time_is_skipped_and_counted() {
    let Some(kafka) = RealKafka::for_test() else { return };
    for threads in [1, 2] {
        let (topic, group, seen) = (kafka.unique("timed"), kafka.unique("group"), Values::default());
        kafka.create_topic(&topic, 1, &[]).unwrap();
        in_transactions(kafka, &topic);
        let at = |minute: i64| Start::at_millis(u64::try_from(JANUARY + minute * 60_000).unwrap());
        let settings = || eager(kafka, &group, at(5)).threads(threads);
        let report = app(&topic, &seen).run_until_end(settings().build().unwrap()).await.unwrap();
        assert_eq!(seen.take(), ["9", "8", "5", "7", "6"], "the first marker is of now");
        assert_eq!(
            (report.lag, report.skipped.into_iter().collect::<Vec<_>>()),
            (Some(0), vec![("older than the start".to_owned(), 1)])
        );
        // A seek to a time also skips older records. A record that comes later is done, even if its own time is older.
        let handle = app(&topic, &seen).start(settings().build().unwrap()).await.unwrap();
        until_committed(&handle, &BTreeMap::from([(0, 12)])).await;
        let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(JANUARY + 7 * 60_000).unwrap());
        handle.seek(&topic, 0, SeekTo::Time(time)).await.unwrap();
        until("it is read again", || seen.len() == 3).await;
        kafka.produce(&topic, [Record::value("late").partition(0).timestamp(JANUARY)]).unwrap();
        until("what is late is done", || seen.len() == 4).await;
        assert_eq!(seen.take(), ["9", "8", "7", "late"]);
        let report = stop(&handle).await;
        assert_eq!((report.healed, report.skipped["older than the start"], report.lag), (4, 3, Some(0)));
    }
}
