//! Static members: one that is killed and comes back within its session disturbs nobody, and two with one name are one too many.

use std::sync::Arc;

use healer::prelude::*;
use healer::{Config, Protocol};
use healer_tests::flights::{self, Flight};
use healer_tests::kafka::{RealKafka, Record};
use healer_tests::programs::Program;
use healer_tests::storm;
use tokio::sync::Semaphore;

use super::{Ground, Places, Turnstile, lines, note, wait};
use crate::common::{settings, status, until};

/// Real flights, so many in a partition.
fn fly(ground: &storm::Ground<'_>, partition: i32, count: usize) {
    let sample = flights::read(&flights::sample()).unwrap().map(Result::unwrap);
    let records = sample.take(count).map(|flight: Flight| Record::from(flight).partition(partition));
    ground.kafka.produce(&ground.topic, records).unwrap();
}

/// The number of records of a run of `flights`, from the summary at the end of its output.
fn records(program: &Program) -> i64 {
    let words = program.last_words();
    let summary = words.lines().rfind(|line| line.starts_with('{')).expect(&words);
    serde_json::from_str::<serde_json::Value>(summary).unwrap()["records"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_member_that_is_killed_and_comes_back_within_its_session_moves_nothing() {
    const FLIGHTS: usize = 1_500;
    let Some(kafka) = RealKafka::for_test() else { return };
    let ground = storm::Ground::new(kafka, "classic", 2).unwrap();
    let committed = |partition| ground.committed().unwrap()[&partition];
    let start = || ground.start_with(1, &["group.instance.id=one", "session.timeout.ms=30000"]).unwrap();

    // The other member is here, and has a record at work all the time.
    let (seen, turnstile) = (Places::default(), Arc::new(Turnstile(Semaphore::new(0))));
    let app =
        pipeline! { name "flights"; lines = kafka::text(&ground.topic) => note => wait; lines => heal; };
    let config: Config = settings(kafka.brokers(), &ground.group)
        .protocol(Protocol::Classic)
        .set("heartbeat.interval.ms", "100")
        .build()
        .unwrap();
    let other = app.with(Arc::clone(&seen)).with(Arc::clone(&turnstile)).start(config).await.unwrap();
    until("it has all", || other.partitions().len() == 2).await;
    let mut program = start();
    until("they share", || other.partitions().len() == 1).await;
    let kept = other.partitions()[0].partition;
    let shared = 1 - kept;
    fly(&ground, kept, 3);
    fly(&ground, shared, FLIGHTS);
    until("both are at work", || committed(shared) > 0 && seen.len() > 0).await;
    let generation = ground.kafka.group_log(&ground.group).unwrap().generation;

    program.signal("KILL").unwrap();
    program.end_within(crate::common::LIMIT).unwrap();
    let (left, end) = (committed(shared), i64::try_from(FLIGHTS).unwrap());
    assert!(0 < left && left < end, "it was killed at work: {left}");
    let mut program = start();
    until("it has done the rest", || committed(shared) == end).await;
    program.must_run().unwrap();
    program.signal("TERM").unwrap();
    assert!(program.end_within(crate::common::LIMIT).unwrap().success(), "{}", program.last_words());
    // It did not do the records again that the commit claimed to be done above its offset.
    let done = records(&program);
    assert!(0 < done && done <= end - left, "{done} of the {} that were left", end - left);

    assert_eq!(
        ground.kafka.group_log(&ground.group).unwrap().generation,
        generation,
        "nothing was shared anew"
    );
    let kept = status(&other, kept).unwrap();
    assert_eq!((kept.frontier, kept.pending, other.partitions().len()), (0, 3, 1));
    turnstile.open();
    until("the other one goes on", || status(&other, kept.partition).unwrap().committed == Some(3)).await;
    let wanted: Vec<_> = (0..3).map(|offset| (kept.partition, offset)).collect();
    assert_eq!(seen.take(), wanted, "each once");
    other.stop();
    assert_eq!(other.join().await.unwrap().fenced, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_members_with_one_name_the_one_that_ends_commits_nothing_of_what_it_has_at_work() {
    super::under_both(one_too_many).await;
}

async fn one_too_many(protocol: Protocol) {
    let Some(ground) = Ground::new(protocol, 1) else { return };
    ground.produce(0, lines(10, |offset| offset == 3));
    // It would commit only where it must.
    let same =
        |settings: healer::ConfigBuilder| settings.commit_interval("1h").set("group.instance.id", "same");
    let first = ground.start(same).await;
    until("all but 3 are done", || {
        first.status(0).is_some_and(|status| (status.position, status.pending) == (10, 1))
    })
    .await;
    let second = ground.start(same).await;
    until("one of them ends", || first.handle.is_finished() || second.handle.is_finished()).await;
    // With `classic` the newer member takes the name, with `consumer` the older one keeps it.
    let (loser, winner) = if first.handle.is_finished() { (&first, &second) } else { (&second, &first) };
    assert_eq!(first.handle.is_finished(), protocol == Protocol::Classic);
    loser.turnstile.open();
    let error = loser.handle.join().await.unwrap_err().to_string();
    assert!(error.contains("`group.instance.id`"), "{protocol:?}: {error}");
    until("the other one is at work", || {
        winner.status(0).is_some_and(|status| (status.position, status.pending) == (10, 1))
    })
    .await;
    assert_eq!(ground.log().commits, [], "{protocol:?}");

    winner.turnstile.open();
    until("the other one is done", || winner.status(0).is_some_and(|status| status.frontier == 10)).await;
    winner.stop().await;
    let offsets: Vec<_> = ground.commits(0).iter().map(|commit| commit.offset).collect();
    assert_eq!(offsets, [10], "{protocol:?}");
    assert_eq!(
        winner.offsets(0),
        (0..10).collect::<Vec<_>>(),
        "{protocol:?}: from what is committed, which is nothing"
    );
}
