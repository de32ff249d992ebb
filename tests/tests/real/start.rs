//! Where a group starts on a real Kafka, also where its offsets do not exist any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{Seen, lines, settings, until, until_committed};
use healer::prelude::*;
use healer::{Error, Handle, OutOfRange, Start, StartError};
use healer_tests::kafka::{RealKafka, Record};

type Offsets = Arc<Seen<(i32, i64)>>;

#[stage]
fn note(line: String, ctx: &Context, #[state] seen: &Offsets) -> String {
    seen.add((ctx.partition(), ctx.offset()));
    line
}

/// A topic with 20 lines in two partitions, a group, and a pipeline over it.
struct Ground {
    kafka: &'static RealKafka,
    topic: String,
    group: String,
    seen: Offsets,
}

impl Ground {
    fn new() -> Option<Self> {
        let kafka = RealKafka::for_test()?;
        let topic = kafka.unique("lines");
        kafka.create_topic(&topic, 2, &[]).unwrap();
        // One record a second, from the first second of 2013 on.
        let timed = (0..).zip(lines(20, 2)).map(|(n, line)| line.timestamp(JANUARY + 1_000 * n));
        kafka.produce(&topic, timed).unwrap();
        Some(Self { kafka, topic, group: kafka.unique("group"), seen: Offsets::default() })
    }

    fn app(&self) -> App {
        let app = pipeline! { name "start"; lines = kafka::text(&self.topic) => note; lines => heal; };
        app.with(Arc::clone(&self.seen))
    }

    fn config(&self, start: Start, out_of_range: OutOfRange) -> Config {
        let settings = settings(self.kafka.brokers(), &self.group);
        settings.start(start).out_of_range(out_of_range).build().unwrap()
    }

    /// Starts with so long a commit interval that only offsets that are committed at once are committed.
    async fn patient(&self, start: Start, out_of_range: OutOfRange) -> Handle {
        let settings = settings(self.kafka.brokers(), &self.group).commit_interval("1h");
        let config = settings.start(start).out_of_range(out_of_range).build().unwrap();
        self.app().start(config).await.unwrap()
    }

    async fn run(&self, start: Start, out_of_range: OutOfRange) -> Result<healer::Report, Error> {
        self.app().run_until_end(self.config(start, out_of_range)).await
    }

    fn committed(&self) -> BTreeMap<i32, i64> {
        self.kafka.committed(&self.group, &self.topic).unwrap()
    }

    fn commit(&self, offsets: [i64; 2]) {
        let offsets = both(offsets[0], offsets[1]);
        self.kafka.set_committed(&self.group, &self.topic, &offsets).unwrap();
    }

    fn seen(&self) -> Vec<(i32, i64)> {
        let mut seen = self.seen.take();
        seen.sort_unstable();
        seen
    }
}

/// 2013-01-01T00:00:00Z in milliseconds.
const JANUARY: i64 = 1_356_998_400_000;

fn both(first: i64, second: i64) -> BTreeMap<i32, i64> {
    BTreeMap::from([(0, first), (1, second)])
}

async fn end(handle: &Handle) -> healer::Report {
    handle.stop();
    handle.join().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_group_starts_at_the_earliest_record() {
    let Some(ground) = Ground::new() else { return };
    let below = BTreeMap::from([(0, 4)]);
    ground.kafka.delete_records(&ground.topic, &below).unwrap();
    let report = ground.run(Start::Earliest, OutOfRange::Error).await.unwrap();
    assert_eq!((report.records, report.lag), (16, Some(0)));
    assert_eq!(ground.seen()[0], (0, 4));
    assert_eq!(ground.committed(), both(10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_that_latest_chose_is_committed_at_once() {
    let Some(ground) = Ground::new() else { return };
    let handle = ground.patient(Start::Latest, OutOfRange::Error).await;
    until_committed(&handle, &both(10, 10)).await;
    assert_eq!(ground.committed(), both(10, 10));
    ground.kafka.produce(&ground.topic, lines(6, 2)).unwrap();
    until("what came later is read", || ground.seen.len() == 6).await;
    assert_eq!(end(&handle).await.records, 6);
    assert_eq!(ground.seen().first(), Some(&(0, 10)));
    assert_eq!(ground.committed(), both(13, 13));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_offset_that_a_time_chose_is_committed_at_once() {
    let Some(ground) = Ground::new() else { return };
    // Lines 0, 2, 4 … are in partition 0: the first at or after second 7 is line 8, at offset 4; in partition 1 line 7.
    let time = Start::at_millis(u64::try_from(JANUARY + 7_000).unwrap());
    let handle = ground.patient(time, OutOfRange::Error).await;
    until("the rest is read", || ground.seen.len() == 13).await;
    until("the choice is committed", || ground.committed() == both(4, 3)).await;
    assert_eq!(end(&handle).await.records, 13);
    let seen = ground.seen();
    assert!(seen.contains(&(0, 4)) && seen.contains(&(1, 3)) && !seen.contains(&(1, 2)), "{seen:?}");
    assert_eq!(ground.committed(), both(10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_no_record_has_reached_is_the_end() {
    let Some(ground) = Ground::new() else { return };
    let time = Start::at_millis(u64::try_from(JANUARY + 3_600_000).unwrap());
    let handle = ground.patient(time, OutOfRange::Error).await;
    until_committed(&handle, &both(10, 10)).await;
    assert_eq!(end(&handle).await.records, 0);
    assert_eq!(ground.committed(), both(10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_error_asks_for_an_offset_and_takes_the_one_that_there_is() {
    let Some(ground) = Ground::new() else { return };
    let error = ground.run(Start::Error, OutOfRange::Error).await.unwrap_err();
    let Error::Start(StartError::NoOffset { topic, .. }) = &error else { panic!("{error}") };
    assert_eq!(topic, &ground.topic);
    assert!(error.to_string().contains("`earliest`"), "{error}");
    assert_eq!((ground.seen.len(), ground.committed().len()), (0, 0));
    ground.commit([7, 9]);
    let report = ground.run(Start::Error, OutOfRange::Error).await.unwrap();
    assert_eq!((report.records, ground.seen()[0]), (4, (0, 7)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_error_ends_a_pipeline_without_a_goal_as_well() {
    let Some(ground) = Ground::new() else { return };
    let config = ground.config(Start::Error, OutOfRange::Error);
    let ended = match ground.app().start(config).await {
        Ok(handle) => tokio::time::timeout(crate::common::LIMIT, handle.join()).await.unwrap(),
        Err(error) => Err(error),
    };
    assert!(matches!(ended, Err(Error::Start(StartError::NoOffset { .. }))), "{ended:?}");
}

/// Committed offsets that do not exist: beyond the end of one partition, below the beginning of the other.
fn out_of_range() -> Option<Ground> {
    let ground = Ground::new()?;
    ground.kafka.delete_records(&ground.topic, &BTreeMap::from([(1, 6)])).unwrap();
    ground.commit([999, 2]);
    Some(ground)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_does_not_exist_is_an_error_that_says_what_there_is() {
    for (commits, wanted) in [([999, 10], (0, 999, 0)), ([10, 2], (1, 2, 6))] {
        let Some(ground) = out_of_range() else { return };
        ground.commit(commits);
        let error = ground.run(Start::Earliest, OutOfRange::Error).await.unwrap_err();
        let Error::Start(StartError::OutOfRange { topic, partition, committed, first, end }) = &error else {
            panic!("{error}")
        };
        assert_eq!((topic, *partition), (&ground.topic, wanted.0));
        assert_eq!((*committed, *first, *end), (wanted.1, wanted.2, 10));
        assert!(error.to_string().contains("`out_of_range`"), "{error}");
        assert_eq!(ground.seen.len(), 0, "nothing was read");
        assert_eq!(ground.committed(), both(commits[0], commits[1]), "and nothing committed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_range_earliest_goes_on_with_what_there_is() {
    let Some(ground) = out_of_range() else { return };
    let report = ground.run(Start::Latest, OutOfRange::Earliest).await.unwrap();
    assert_eq!((report.records, report.lag), (14, Some(0)));
    let seen = ground.seen();
    assert_eq!((seen[0], seen[10]), ((0, 0), (1, 6)));
    assert_eq!(ground.committed(), both(10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_range_latest_commits_the_end_at_once() {
    let Some(ground) = out_of_range() else { return };
    let handle = ground.patient(Start::Earliest, OutOfRange::Latest).await;
    until_committed(&handle, &both(10, 10)).await;
    assert_eq!(ground.committed(), both(10, 10), "also downward, to an offset that exists");
    let more = [0, 1].map(|partition| Record::value("more").partition(partition));
    ground.kafka.produce(&ground.topic, more).unwrap();
    until("what came later is read", || ground.seen.len() == 2).await;
    assert_eq!(end(&handle).await.records, 2);
    assert_eq!(ground.committed(), both(11, 11));
}
