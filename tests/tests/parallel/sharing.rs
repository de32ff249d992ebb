//! How partitions share calls and threads.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_block_have_threads_of_their_own_within_the_bound() {
    let ground = Ground::new(2);
    ground.put(0, 20, keys(20));
    ground.put(1, 20, keys(20));
    let handle = ground.start(app!(with_threads => pass)).await;
    until("as many as may are at work", || ground.watch.begun.len() == MOST).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.begun.len(), MOST, "in both partitions together");
    ground.gate.open();
    ground.until_committed(0, 20).await;
    ground.until_committed(1, 20).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_stage_takes_one_record_of_a_partition_at_a_time() {
    let ground = Ground::new(2);
    ground.put(0, 5, keys(5));
    ground.put(1, 5, keys(5));
    let handle = ground.start(app!(with_a_thread => pass)).await;
    until("one of each partition is at work", || ground.watch.begun.len() == 2).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.begun.len(), 2);
    ground.gate.open();
    ground.until_committed(0, 5).await;
    ground.until_committed(1, 5).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_blocks_leaves_the_others_alone() {
    let ground = Ground::new(2);
    let handle = ground.start(app!(only_some_wait => pass)).await;
    ground.kafka.produce("t", [TestRecord::new().value("wait").partition(0)]).unwrap();
    until("it blocks", || ground.watch.begun.len() == 1).await;
    ground.put(1, 2_000, |_| None);
    ground.until_committed(1, 2_000).await;
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset == 0));
    ground.gate.open();
    ground.until_committed(0, 1).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_partition_leaves_the_others_their_turn() {
    let ground = Ground::new(2);
    let doors: Vec<_> = (0..MOST).map(|n| ground.watch.hold(&n.to_string())).collect();
    ground.put(0, 1_000, keys(1_000));
    let handle = ground.start(app!(by_key => pass)).await;
    until("one partition has all calls", || ground.watch.begun.len() == MOST).await;
    // Lines of the other partition are told by their keys: they have no number of the first one.
    let record = |n: i32| TestRecord::new().value(format!("other {n}")).key(format!("o{n}")).partition(1);
    ground.kafka.produce("t", (0..10).map(record)).unwrap();
    until("they have arrived", || status(&handle, 1).is_some_and(|status| status.blocked.is_some())).await;
    for door in &doors {
        door.open();
    }
    ground.until_committed(1, 10).await;
    let before = ground.watch.begun.all().iter().position(|line| line == "other 9").unwrap();
    assert!(before < 200, "{before} calls began before: not one in two was its own");
    ground.until_committed(0, 1_000).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_finds_no_room_below_leaves_its_turn_to_the_others() {
    let ground = Ground::new(2);
    let door = ground.watch.hold("0");
    // More than wait between two stages.
    ground.put(0, 200, |_| None);
    let handle = ground.start(app!(alone => held)).await;
    let begun = || ground.watch.begun.len();
    until("it finds no room", || begun() > 64).await;
    let mut last = 0;
    until("it has come to a halt", || std::mem::replace(&mut last, begun()) == begun()).await;
    let record = |n: i32| TestRecord::new().value(format!("other {n}")).partition(1);
    ground.kafka.produce("t", (0..10).map(record)).unwrap();
    ground.until_committed(1, 10).await;
    assert!(begun() < 200, "the first partition is stuck as before");
    door.open();
    ground.until_committed(0, 200).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_get_no_slower_become_more_up_to_the_bound() {
    let ground = Ground::new(1);
    ground.put(0, 4_000, |_| None);
    let app = app!(as_many_as_it_bears => pass);
    assert!(app.describe().to_string().contains("2 to 32 at once"), "{}", app.describe());
    let handle = ground.start(app).await;
    ground.until_committed(0, 4_000).await;
    handle.stop();
    handle.join().await.unwrap();
    let most = ground.watch.most();
    assert!((17..=32).contains(&most), "{most}: more than it began with, and no more than the bound");
}
