//! How many calls of a parallel stage are at work, and how many records wait for their key.

use std::sync::Arc;

use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

use super::common::{Door, until};
use super::{config, page};

#[stage(parallel = 8)]
async fn held(line: String, #[state] door: &Door) -> String {
    door.pass().await;
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_work_and_records_that_wait_for_their_key_are_gauges() {
    page::serve();
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("held", 2).unwrap();
    // In each partition two of `a` and one of `b` stand behind the first of their key.
    let keys = ["a", "b", "a", "a", "b", "c"].into_iter();
    let record = |(key, partition)| TestRecord::new().key(key).value("x").partition(partition);
    let both = keys.flat_map(|key| [(key, 0), (key, 1)]);
    kafka.produce("held", both.map(record)).unwrap();
    let door = Arc::<Door>::default();
    let app = pipeline! { name "held"; lines = kafka::text("held") => held; lines => heal; };
    let handle = app.with_arc(Arc::clone(&door)).start(config(&kafka)).await.unwrap();
    let gauges = || {
        ["healer_stage_calls_at_work", "healer_stage_calls_waiting_for_key"]
            .map(|name| page::samples(name, "held"))
    };
    until("three keys of each partition are at work", || gauges() == [vec![6.0], vec![6.0]]).await;
    door.open();
    until("nothing is at work any more", || gauges() == [vec![0.0], vec![0.0]]).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().healed, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_cancelled_are_at_work_no_more() {
    page::serve();
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic("left", 2).unwrap();
    kafka.produce("left", [0, 1].map(|partition| TestRecord::new().value("x").partition(partition))).unwrap();
    let door = Arc::<Door>::default();
    let start = |name: &str| {
        let chain = kafka::text("left").stream("lines").then(held::stage()).heal();
        let settings = super::settings(kafka.brokers(), "group").drain_budget("10ms");
        App::new(name).chain(chain).with_arc(Arc::clone(&door)).start(settings.build().unwrap())
    };
    let at_work = |name| page::samples("healer_stage_calls_at_work", name);
    let first = start("leaves").await.unwrap();
    until("both are at work", || at_work("leaves") == [2.0]).await;
    // It takes one of the partitions, whose call is not waited for.
    let second = start("comes").await.unwrap();
    until("one is at work at each", || at_work("leaves") == [1.0] && at_work("comes") == [1.0]).await;
    door.open();
    for handle in [first, second] {
        handle.stop();
        handle.join().await.unwrap();
    }
}
