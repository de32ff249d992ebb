//! A member to which the group gives nothing: it says so and why, and knows no lag of partitions that are not its own.

use healer::Handle;
use healer::prelude::*;

use super::common::until;
use super::{config, filled, page};

async fn member(kafka: &healer::testing::EmbeddedKafka, name: &str) -> Handle {
    let chain = kafka::text("few").stream("lines").map(|line: String| line).heal();
    App::new(name).chain(chain).start(config(kafka)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_without_partitions_says_why_and_knows_no_lag() {
    page::serve();
    let kafka = filled("few", ["a", "b"].map(str::to_owned));
    let first = member(&kafka, "first").await;
    until("the first has it and knows its lag", || {
        page::samples("healer_partition_lag_records", "first") == [0.0]
    })
    .await;
    assert_eq!(first.health().waiting, None);
    let second = member(&kafka, "second").await;
    let waits = |handle: &Handle| handle.health().waiting.is_some_and(|waits| !waits.lasting.is_zero());
    until("one of the two has nothing", || waits(&first) || waits(&second)).await;
    let (idle, busy) = if waits(&first) { (first, second) } else { (second, first) };
    let health = idle.health();
    let reason = health.waiting.clone().expect("it waits").reason;
    for part in ["killed", "session", "more members than partitions", "--members"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert!(health.is_well() && !health.is_ready(), "a member that stands by is well: {health:?}");
    let lag = || page::samples("healer_partition_lag_records", idle.name());
    until("its lag is no number any more", || lag().is_empty()).await;
    // The other one goes, and this one has all.
    busy.stop();
    busy.join().await.unwrap();
    until("it has it", || idle.health().waiting.is_none() && !idle.partitions().is_empty()).await;
    until("its lag is known", || lag() == [0.0]).await;
    idle.stop();
    assert_eq!(idle.join().await.unwrap().lag, Some(0));
    assert_eq!(idle.health().waiting, None, "what has ended waits for nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_of_a_member_that_never_had_a_partition_has_no_lag() {
    let kafka = filled("few", ["a", "b"].map(str::to_owned));
    let first = member(&kafka, "holder").await;
    until("the first has it", || !first.partitions().is_empty()).await;
    let second = member(&kafka, "standby").await;
    until("the second waits", || second.health().waiting.is_some()).await;
    second.stop();
    let report = second.join().await.unwrap();
    assert!(report.partitions.is_empty() == report.lag.is_none(), "{report:?}");
    assert_eq!((report.partitions.len(), report.lag), (0, None));
    first.stop();
    first.join().await.unwrap();
}
