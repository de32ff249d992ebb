//! A partition that is blocked waits alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use healer::prelude::*;
use healer_tests::kafka::{RealKafka, Record};

use crate::common::{Door, lines, settings, status, until, until_committed};

#[stage]
async fn wait(line: String, #[state] door: &Arc<Door>) -> String {
    if line == "stuck" {
        door.pass().await;
    }
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_partition_holds_its_bound_of_records_and_the_others_finish_theirs() {
    const RECORDS: i32 = 8_000;
    const IN_FLIGHT: u64 = 64;
    let Some(kafka) = RealKafka::for_test() else { return };
    let (topic, group) = (kafka.unique("lines"), kafka.unique("group"));
    kafka.create_topic(&topic, 4, &[]).unwrap();
    kafka.produce(&topic, [Record::value("stuck").partition(1)]).unwrap();
    kafka.produce(&topic, lines(RECORDS, 4)).unwrap();
    let door = Arc::new(Door::default());
    let app = pipeline! { name "blocked"; lines = kafka::text(&topic) => wait; lines => heal; };
    let config = settings(kafka.brokers(), &group).in_flight(64).build().unwrap();
    let handle = app.with(Arc::clone(&door)).start(config).await.unwrap();
    // The others come to their end, each many times its bound, while one holds its first record.
    let end = i64::from(RECORDS / 4);
    until("the others are done", || {
        [0, 2, 3].iter().all(|at| status(&handle, *at).is_some_and(|status| status.committed == Some(end)))
    })
    .await;
    let stuck = status(&handle, 1).unwrap();
    assert_eq!((stuck.frontier, stuck.committed.unwrap_or(0)), (0, 0));
    assert!(stuck.pending <= IN_FLIGHT && stuck.position <= 64, "{stuck:?}");
    assert_eq!(&*stuck.blocked.unwrap().stage, "lines.wait");
    door.open();
    until_committed(&handle, &BTreeMap::from([(0, end), (1, end + 1), (2, end), (3, end)])).await;
    handle.stop();
    let report = handle.join().await.unwrap();
    assert_eq!((report.records, report.lag), (u64::from(RECORDS.unsigned_abs()) + 1, Some(0)));
}
