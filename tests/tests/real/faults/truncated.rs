//! A log that loses its newest records, as an unclean leader election does, and is filled again.

use healer::Protocol;
use healer_tests::kafka::{RealKafka, RealKafkaOptions};

use super::Story;
use crate::common::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_above_the_frontier_is_not_skipped_where_the_log_was_cut_and_filled_again() {
    // It outlives the test by moments: the broker ends with this process.
    let Some(kafka) = RealKafka::own_for_test(RealKafkaOptions::default()) else { return };
    let kafka: &'static RealKafka = Box::leak(Box::new(kafka));
    let ground = Story::over(kafka, Protocol::Consumer, 1);
    let store = tempfile::tempdir().unwrap();
    let config = || ground.settings().store_path(store.path()).drain_budget("0s").build().unwrap();
    ground.produce(0, 5, "line");
    ground.produce(0, 1, "stuck");
    // Each in a batch of its own, so that the log can be cut between them.
    (6..16).for_each(|_| ground.produce(0, 1, "skipped"));
    let handle = ground.app().start(config()).await.unwrap();
    until("all but one are done", || {
        handle.partitions().first().is_some_and(|status| (status.frontier, status.done_above) == (5, 10))
    })
    .await;
    handle.stop();
    handle.join().await.unwrap();
    drop(handle);
    assert_eq!(ground.offsets(0), (0..16).collect::<Vec<_>>());

    kafka.kill();
    kafka.cut_log(&ground.topic, 0, 10).unwrap();
    kafka.restart().unwrap();
    // It answers before it leads its partitions again.
    until("the log ends where it was cut", || {
        kafka.end_offsets(&ground.topic).is_ok_and(|ends| ends[&0] == 10)
    })
    .await;
    (10..20).for_each(|_| ground.produce(0, 1, "new"));
    // The record at the frontier is the one that it was, and so are those up to 9: store and commit say that 6 to 15 are done.
    ground.door.open();
    let report = ground.app().run_until_end(config()).await.unwrap();
    assert_eq!(report.lag, Some(0));
    let read = ground.seen.take().into_iter().map(|(_, offset, text)| (offset, text)).collect::<Vec<_>>();
    let new = (10..20).map(|offset| (offset, "new".to_owned()));
    assert_eq!(read, [(5, "stuck".to_owned())].into_iter().chain(new).collect::<Vec<_>>());
}
