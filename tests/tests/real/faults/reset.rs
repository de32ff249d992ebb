//! Offsets that an admin resets.

use std::collections::BTreeMap;

use healer::Protocol;

use super::Story;
use crate::common::{until, until_committed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_was_reset_while_nobody_ran_goes_on_where_the_admin_says() {
    let Some(ground) = Story::new(Protocol::Consumer, 1) else { return };
    ground.produce(0, 20, "line");
    // The store remembers where the group was, and is not asked.
    let store = tempfile::tempdir().unwrap();
    let config = || ground.settings().store_path(store.path()).build().unwrap();
    // To the beginning, to a number, to the end, and once more backward.
    for (reset, read) in
        [(None, 0..20), (Some(0), 0..20), (Some(7), 7..20), (Some(20), 20..20), (Some(19), 19..20)]
    {
        if let Some(offset) = reset {
            ground.set_committed(0, offset);
        }
        let report = ground.app().run_until_end(config()).await.unwrap();
        assert_eq!((report.records, report.lag), (read.clone().count() as u64, Some(0)), "{reset:?}");
        assert_eq!(ground.offsets(0), read.collect::<Vec<_>>(), "{reset:?}");
        assert_eq!(ground.committed(), BTreeMap::from([(0, 20)]), "{reset:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_above_the_frontier_is_not_skipped_after_a_reset() {
    let Some(ground) = Story::new(Protocol::Consumer, 1) else { return };
    let store = tempfile::tempdir().unwrap();
    ground.produce(0, 5, "line");
    ground.produce(0, 1, "stuck");
    ground.produce(0, 4, "skipped");
    let config = || ground.settings().store_path(store.path()).drain_budget("0s").build().unwrap();
    let handle = ground.app().start(config()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 5)])).await;
    until("all is read", || ground.seen.len() == 10).await;
    handle.stop();
    handle.join().await.unwrap();
    drop(handle);
    assert_eq!(ground.offsets(0), (0..10).collect::<Vec<_>>());
    // The store says that 6 to 9 are done. Reset to 2, they are to be processed again with all the rest.
    ground.set_committed(0, 2);
    ground.door.open();
    let report = ground.app().run_until_end(config()).await.unwrap();
    assert_eq!((report.records, report.lag), (8, Some(0)));
    assert_eq!(ground.offsets(0), (2..10).collect::<Vec<_>>());
}

async fn a_member_is_not_reset(protocol: Protocol) {
    let Some(ground) = Story::new(protocol, 1) else { return };
    ground.produce(0, 10, "line");
    let handle = ground.app().start(ground.settings().build().unwrap()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 10)])).await;
    for offset in [0, 3, 9] {
        let offsets = BTreeMap::from([(0, offset)]);
        let reset = ground.kafka.set_committed(&ground.group, &ground.topic, &offsets);
        assert!(reset.is_err(), "the broker lets nobody but members commit while there are any");
        ground.produce(0, 10, "line");
    }
    until_committed(&handle, &BTreeMap::from([(0, 40)])).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.records, report.lag), (40, Some(0)));
    assert_eq!(ground.offsets(0), (0..40).collect::<Vec<_>>(), "each once and in order");
    assert_eq!(ground.committed(), BTreeMap::from([(0, 40)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_under_a_running_member_loses_nothing_with_the_classic_protocol() {
    a_member_is_not_reset(Protocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_under_a_running_member_loses_nothing_with_the_consumer_protocol() {
    a_member_is_not_reset(Protocol::Consumer).await;
}
