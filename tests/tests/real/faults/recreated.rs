//! Topics that are deleted and made anew under the same name.

use std::collections::BTreeMap;

use healer::{OutOfRange, Protocol};

use super::Story;
use crate::common::{until, until_committed};

impl Story {
    fn delete(&self) {
        self.kafka.delete_topic(&self.topic).unwrap();
    }

    fn make_anew(&self) {
        // A broker may say for a moment that a topic is gone while its name is still taken.
        let end = std::time::Instant::now() + crate::common::LIMIT;
        while let Err(error) = self.kafka.create_topic(&self.topic, 1, &[]) {
            assert!(std::time::Instant::now() < end, "{error:#}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_made_anew_while_nobody_ran_is_read_from_its_beginning() {
    let Some(ground) = Story::new(Protocol::Consumer, 1) else { return };
    let store = tempfile::tempdir().unwrap();
    let config = || ground.settings().store_path(store.path()).build().unwrap();
    ground.produce(0, 20, "old");
    ground.app().run_until_end(config()).await.unwrap();
    assert_eq!(ground.offsets(0).len(), 20);
    ground.delete();
    ground.make_anew();
    ground.produce(0, 30, "new");
    let report = ground.app().run_until_end(config()).await.unwrap();
    assert_eq!((report.records, report.lag), (30, Some(0)));
    assert_eq!(ground.offsets(0), (0..30).collect::<Vec<_>>());
    assert_eq!(ground.committed(), BTreeMap::from([(0, 30)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_in_the_old_topic_is_not_skipped_in_the_new_one() {
    let Some(ground) = Story::new(Protocol::Consumer, 1) else { return };
    let store = tempfile::tempdir().unwrap();
    let config = || ground.settings().store_path(store.path()).drain_budget("0s").build().unwrap();
    ground.produce(0, 5, "line");
    ground.produce(0, 1, "stuck");
    ground.produce(0, 4, "skipped");
    let handle = ground.app().start(config()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 5)])).await;
    until("all is read", || ground.seen.len() == 10).await;
    handle.stop();
    handle.join().await.unwrap();
    drop(handle);
    ground.seen.take();
    ground.delete();
    ground.make_anew();
    ground.produce(0, 10, "new");
    // The broker forgets the commits of a topic that is deleted; an admin may bring them back. The store says that 6 to 9 are
    // done above this very frontier, but of another record.
    ground.set_committed(0, 5);
    ground.door.open();
    let report = ground.app().run_until_end(config()).await.unwrap();
    assert_eq!((report.records, report.lag), (5, Some(0)));
    assert_eq!(ground.offsets(0), (5..10).collect::<Vec<_>>());
}

async fn goes_on_with_the_new_topic(protocol: Protocol) {
    let Some(ground) = Story::new(protocol, 1) else { return };
    ground.produce(0, 20, "old");
    // Clients look once in five minutes by themselves.
    let settings =
        ground.settings().out_of_range(OutOfRange::Earliest).set("topic.metadata.refresh.interval.ms", "500");
    let handle = ground.app().start(settings.build().unwrap()).await.unwrap();
    until_committed(&handle, &BTreeMap::from([(0, 20)])).await;
    ground.seen.take();
    ground.delete();
    ground.make_anew();
    ground.produce(0, 10, "new");
    let ended = || handle.is_finished();
    until("the new topic is read to its end", || ended() || ground.committed().get(&0) == Some(&10)).await;
    assert!(!ended(), "the pipeline ended: {:?}", handle.join().await);
    ground.produce(0, 5, "new");
    until("and goes on", || ground.committed().get(&0) == Some(&15)).await;
    handle.stop();
    assert_eq!(handle.join().await.unwrap().lag, Some(0));
    let read = ground.seen.take();
    assert!(read.iter().all(|(_, _, text)| text == "new"), "{read:?}");
    let offsets: Vec<_> = read.into_iter().map(|(_, offset, _)| offset).collect();
    assert_eq!(offsets, (0..15).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_goes_on_with_a_topic_made_anew_under_it_with_the_classic_protocol() {
    goes_on_with_the_new_topic(Protocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_goes_on_with_a_topic_made_anew_under_it_with_the_consumer_protocol() {
    goes_on_with_the_new_topic(Protocol::Consumer).await;
}
