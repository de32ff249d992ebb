//! Stops under load: records that synchronous stages have seen are committed, so none is repeated and none left out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use healer::Protocol;
use healer::prelude::*;
use healer_tests::kafka::{RealKafka, Record};
use healer_tests::storm::{Ground, Load};

use super::assert_all_committed;
use crate::common::{Seen, settings, until};

/// The records that any of the runs has read: partition and offset.
type Places = Arc<Seen<(i32, i64)>>;

#[stage]
fn note(line: String, ctx: &Context, #[state] seen: &Places) -> String {
    seen.add((ctx.partition(), ctx.offset()));
    line
}

/// Lines that keep coming until it is over; says how many.
fn load(kafka: &RealKafka, topic: &str, over: &AtomicBool) -> u64 {
    let lines = (0..).map_while(|n| {
        thread::sleep(Duration::from_millis(1));
        (!over.load(Ordering::Relaxed)).then(|| Record::value(format!("line {n}")).partition(n % 4))
    });
    kafka.produce(topic, lines).unwrap()
}

async fn stops(protocol: Protocol, count: usize) {
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
    kafka.create_topic(&topic, 4, &[]).unwrap();
    let (seen, over) = (Places::default(), Arc::new(AtomicBool::new(false)));
    let app = || {
        let app = pipeline! { name "stops"; lines = kafka::text(&topic) => note; lines => heal; };
        app.with(Arc::clone(&seen))
    };
    // Only the end commits: a record that it leaves out is repeated, and the test sees it.
    let config =
        || settings(kafka.brokers(), &group).protocol(protocol).commit_interval("1h").build().unwrap();
    let producing = {
        let (topic, over) = (topic.clone(), Arc::clone(&over));
        tokio::task::spawn_blocking(move || load(kafka, &topic, &over))
    };
    let mut records = 0;
    for stop in 1..=count {
        let before = seen.len();
        let handle = app().start(config()).await.unwrap();
        until("it is under load", || seen.len() > before + 20).await;
        handle.stop();
        records += handle.join().await.unwrap().records;
        assert_eq!(records, seen.len() as u64, "stop {stop}: each once");
    }
    over.store(true, Ordering::Relaxed);
    let produced = producing.await.unwrap();
    records += app().run_until_end(config()).await.unwrap().records;
    assert_eq!(records, produced, "all, and each once");
    let seen = seen.take();
    assert_eq!(seen.len() as u64, produced);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len() as u64, produced, "no record twice");
    assert_all_committed(kafka, &group, &topic);
}

// A hundred stops in four groups, side by side.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_under_load_repeat_and_lose_nothing_with_the_classic_protocol() {
    tokio::join!(stops(Protocol::Classic, 25), stops(Protocol::Classic, 25));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_under_load_repeat_and_lose_nothing_with_the_consumer_protocol() {
    tokio::join!(stops(Protocol::Consumer, 25), stops(Protocol::Consumer, 25));
}

#[test]
fn processes_that_are_asked_to_end_repeat_and_lose_nothing() {
    let Some(kafka) = RealKafka::for_test() else { return };
    let ground = Ground::new(kafka, "consumer", 4).unwrap();
    let over = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let sent = scope.spawn(|| ground.load(Load { rate: 400, lasting: Duration::from_mins(5) }, &over));
        for _ in 0..10 {
            let before: i64 = ground.committed().unwrap().values().sum();
            let mut program = ground.start(0).unwrap();
            while ground.committed().unwrap().values().sum::<i64>() <= before + 100 {
                program.must_run().unwrap();
                thread::sleep(Duration::from_millis(10));
            }
            program.signal("TERM").unwrap();
            assert!(program.end_within(crate::common::LIMIT).unwrap().success(), "{}", program.last_words());
        }
        over.store(true, Ordering::Relaxed);
        sent.join().unwrap().unwrap()
    });
    let mut last = ground.start(0).unwrap();
    ground.wait_until_done(|| last.must_run()).unwrap();
    last.signal("TERM").unwrap();
    assert!(last.end_within(crate::common::LIMIT).unwrap().success(), "{}", last.last_words());
    let verdict = ground.judge(sent).unwrap();
    assert_eq!((verdict.saved_again, verdict.sent_again), (0, 0), "{verdict:?}");
}
