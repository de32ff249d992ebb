//! The order of records in parallel stages, and which records are begun at all.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_key_go_one_after_the_other_and_others_beside_them() {
    let ground = Ground::new(2);
    ground.put(0, 300, keys(7));
    let handle = ground.start(app!(by_key => pass)).await;
    ground.until_committed(0, 300).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().healed, 300);
    assert_eq!(ground.watch.doubled(), Vec::<String>::new());
    assert_eq!(ground.watch.most(), MOST, "as many as may, and no more");
    for key in 0..7 {
        let wanted: Vec<_> = (0..300).filter(|n| n % 7 == key).collect();
        assert_eq!(of_key(&ground.watch.begun, key, 7), wanted);
        assert_eq!(of_key(&ground.watch.passed, key, 7), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_parallel_stage_keeps_the_order_of_a_key_too() {
    let ground = Ground::new(1);
    ground.put(0, 200, keys(5));
    let handle = ground.start(app!(by_key => by_key_again => pass)).await;
    ground.until_committed(0, 200).await;
    handle.stop();
    handle.join().await.unwrap();
    for key in 0..5 {
        let wanted: Vec<_> = (0..200).filter(|n| n % 5 == key).collect();
        assert_eq!(of_key(&ground.watch.passed, key, 5), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_stuck_holds_its_key_and_no_other() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 100, keys(10));
    let handle = ground.start(app!(by_key => pass)).await;
    until("the other keys are done", || ground.watch.passed.len() == 90).await;
    let blocked = status(&handle, 0).unwrap().blocked.unwrap();
    assert_eq!((blocked.offset, &*blocked.stage), (0, "lines.by_key"));
    assert_eq!(of_key(&ground.watch.begun, 0, 10), [0], "the next of the key waits");
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset == 0));
    door.open();
    ground.until_committed(0, 100).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_key_are_one_row_unless_they_are_to_have_no_order() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 20, |n| (n % 2 == 1).then(|| format!("k{n}")));
    let handle = ground.start(app!(by_key => pass)).await;
    until("those with a key are done", || ground.watch.passed.len() == 10).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(of_key(&ground.watch.begun, 0, 2), [0]);
    door.open();
    ground.until_committed(0, 20).await;
    handle.stop();
    handle.join().await.unwrap();

    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 20, |_| None);
    let handle = ground.start(app!(by_key_if_any => pass)).await;
    until("all but one are done", || ground.watch.passed.len() == 19).await;
    door.open();
    ground.until_committed(0, 20).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn results_leave_in_the_order_of_the_partition_though_calls_overlap() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 50, keys(1));
    let handle = ground.start(app!(by_partition => pass)).await;
    until("the others are begun", || ground.watch.begun.len() == 50).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.passed.len(), 0, "they wait for the first");
    door.open();
    ground.until_committed(0, 50).await;
    handle.stop();
    handle.join().await.unwrap();
    assert_eq!(of_key(&ground.watch.passed, 0, 1), (0..50).collect::<Vec<_>>());
    assert_eq!(ground.watch.most(), MOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_order_nobody_waits_for_a_record_of_his_key() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 50, keys(1));
    let handle = ground.start(app!(in_any_order => pass)).await;
    until("all but one are done", || ground.watch.passed.len() == 49).await;
    door.open();
    ground.until_committed(0, 50).await;
    handle.stop();
    handle.join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_a_record_that_failed_is_not_passed_on_in_another_order() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 20, keys(20));
    let handle = ground.start(app!(fails => pass)).await;
    until("others are done", || ground.watch.begun.len() == 20).await;
    door.open();
    let error = common::failed_record(handle.join().await);
    assert_eq!((error.offset, &*error.stage), (0, "lines.fails"));
    assert_eq!(ground.watch.passed.len(), 0);
    assert!(ground.committed().get(&0).is_none_or(|offset| *offset == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_record_that_failed_nothing_of_its_partition_is_begun() {
    let ground = Ground::new(1);
    let doors: Vec<_> = (0..MOST).map(|n| ground.watch.hold(&n.to_string())).collect();
    ground.put(0, 20, keys(10));
    let handle = ground.start(app!(fails_by_key => pass)).await;
    until("as many as may are at work", || ground.watch.begun.len() == MOST).await;
    doors[0].open();
    until("it drains", || {
        handle.is_finished()
            || status(&handle, 0).is_some_and(|status| status.state != healer::PartitionState::Running)
    })
    .await;
    for door in &doors[1..] {
        door.open();
    }
    let error = common::failed_record(handle.join().await);
    assert_eq!((error.offset, &*error.stage), (0, "lines.fails_by_key"));
    assert_eq!(ground.watch.begun.len(), MOST, "{:?}", ground.watch.begun.all());
    assert_eq!(ground.watch.passed.len(), MOST - 1, "what was at work may end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_of_batches_has_the_key_of_no_record() {
    let ground = Ground::new(1);
    let door = ground.watch.hold("0");
    ground.put(0, 5, keys(5));
    let batches = kafka::text("t").stream("lines").batch(1);
    let first =
        batches.map(|rows: Batch<String>| rows.iter().map(|(_, line)| line.clone()).collect::<String>());
    let app = App::new("parallel").chain(first.then(by_key::stage()).then(pass::stage()).heal());
    let handle = ground.start(app).await;
    until("the first is at work", || ground.watch.begun.len() == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ground.watch.begun.all(), ["0"], "they are one row");
    door.open();
    ground.until_committed(0, 5).await;
    handle.stop();
    handle.join().await.unwrap();
}
