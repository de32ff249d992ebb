//! Records that are deleted under a running pipeline.

use std::collections::BTreeMap;

use healer::{Error, Handle, OutOfRange, Protocol, StartError};
use healer_tests::kafka::Record;

use super::Story;
use crate::common::{LIMIT, status, until, until_committed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_deleted_under_pending_ones_are_still_done() {
    let Some(ground) = Story::new(Protocol::Consumer, 1) else { return };
    ground.produce(0, 5, "line");
    ground.produce(0, 1, "stuck");
    ground.produce(0, 14, "line");
    let handle = ground.app().start(ground.settings().build().unwrap()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 5)])).await;
    until("all is read", || ground.seen.len() == 20).await;
    // This deletes the committed records, the stuck one, and some that wait behind it.
    ground.kafka.delete_records(&ground.topic, &BTreeMap::from([(0, 15)])).unwrap();
    ground.produce(0, 5, "line");
    until("what came later is read", || ground.seen.len() == 25).await;
    ground.door.open();
    until_committed(&handle, &BTreeMap::from([(0, 25)])).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.records, report.fenced, report.lag), (25, 0, Some(0)));
    assert_eq!(ground.offsets(0), (0..25).collect::<Vec<_>>());
}

/// A pipeline that rests at its sixth record while all before 300 is deleted, which it has not fetched yet.
async fn cut_past_the_position(out_of_range: OutOfRange) -> Option<(Story, Handle)> {
    let ground = Story::new(Protocol::Consumer, 1)?;
    ground.produce(0, 5, "line");
    ground.produce(0, 1, "stuck");
    // More than there is memory for, so that most of it is not fetched.
    let large = || Record::value("x".repeat(10_000)).partition(0);
    ground.kafka.produce(&ground.topic, std::iter::repeat_with(large).take(400)).unwrap();
    let settings = ground.settings().in_flight(4).memory_budget(500_000).out_of_range(out_of_range);
    let settings = settings.set("queued.max.messages.kbytes", "64").set("fetch.message.max.bytes", "20000");
    let handle = ground.app().start(settings.build().unwrap()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 5)])).await;
    until("no more is let in", || status(&handle, 0).unwrap().pending == 4).await;
    ground.kafka.delete_records(&ground.topic, &BTreeMap::from([(0, 300)])).unwrap();
    ground.door.open();
    Some((ground, handle))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_deleted_past_the_position_end_the_pipeline_by_name() {
    let Some((ground, handle)) = cut_past_the_position(OutOfRange::Error).await else { return };
    let ended = tokio::time::timeout(LIMIT, handle.join()).await.expect("it ends");
    let Err(Error::Start(StartError::OutOfRange { topic, partition, committed, first, end })) = &ended else {
        panic!("{ended:?}")
    };
    assert_eq!((topic, *partition, *first, *end), (&ground.topic, 0, 300, 406));
    assert!((9..300).contains(committed), "the offset that was expected next: {committed}");
    // Records that were read are done, and the commit goes no further.
    let read = ground.offsets(0);
    assert_eq!(read, (0..*committed).collect::<Vec<_>>());
    assert!(ground.committed()[&0] <= *committed, "{:?}", ground.committed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_deleted_past_the_position_are_left_out_where_the_user_chose_so() {
    let Some((ground, handle)) = cut_past_the_position(OutOfRange::Earliest).await else { return };
    until("the rest is committed", || ground.committed().get(&0) == Some(&406)).await;
    assert_eq!(status(&handle, 0).unwrap().data_losses, 1, "what was deleted unread is told");
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!(report.lag, Some(0));
    let read = ground.offsets(0);
    let before = read.iter().position(|offset| *offset == 300).unwrap();
    assert_eq!(read[before..], (300..406).collect::<Vec<_>>(), "all that is left, each once and in order");
    assert_eq!(read[..before], (0..i64::try_from(before).unwrap()).collect::<Vec<_>>());
}
