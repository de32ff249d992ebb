//! A sink that waits for the acknowledgements of one partition holds nobody else up.

use super::*;
use crate::{prelude::*, testing::partitioner::partition_of};

/// The most records of a partition in flight.
const IN_FLIGHT: usize = 16;

/// How exactly time is told: a record that is done waits for the next commit, and that is seen in the next round.
const GRAIN: Duration = Duration::from_millis(150);

/// Writes so many records whose partition is the same in source and sink.
fn write(play: &mut Play<'_>, partition: i32, records: usize) {
    let mut keys = (0..100).map(|number| format!("key {number}"));
    let key = keys.find(|key| partition_of(key.as_bytes(), 2) == partition).expect("keys go everywhere");
    (0..records).for_each(|number| play.write_keyed(partition, &key, format!("quick {number}")));
}

/// How long it takes until all of partition 1 is committed.
fn time_until(play: &mut Play<'_>, end: i64) -> Duration {
    let began = play.now();
    play.until("all of the other partition is committed", |play| play.committed(1) == Some(end));
    play.now().saturating_sub(began)
}

#[test]
fn a_partition_that_is_blocked_in_a_sink_leaves_the_others_at_full_speed() {
    let sends = |app: App| app.chain(kafka::text("t").stream("t").then(kafka::to_text("out")).heal());
    let ground = Ground::new(1, 2).sink("out").app(sends).config(|config| config.in_flight(IN_FLIGHT));
    ground.play(|play| {
        play.start(0);
        play.until("it has both partitions", |play| play.has(0, 0) && play.has(0, 1));
        write(play, 1, 300);
        let alone = time_until(play, 300);

        // Many times its bound waits in the one, and nothing of that gets through.
        play.cluster().tune(|settings| settings.stuck = Some(0));
        write(play, 0, 300);
        play.until("one partition has its bound in flight", |play| {
            play.status(0, 0).is_some_and(|status| status.pending == IN_FLIGHT as u64)
        });
        // The records that wait there were fetched before: the client lends records in the order in which it got them.
        (0..100).for_each(|_| play.round());
        write(play, 1, 300);
        let beside = time_until(play, 600);
        assert!(beside <= alone + GRAIN, "{beside:?}, and {alone:?} without the blocked one");
        let status = play.status(0, 0).expect("it has the partition");
        let blocked = status.blocked.expect("it is blocked");
        assert_eq!((blocked.offset, &*blocked.stage, play.committed(0)), (0, "t.out", None));
        assert_eq!(status.pending, IN_FLIGHT as u64);

        play.cluster().tune(|settings| settings.stuck = None);
        play.rest();
        for (partition, records) in [(0, 300), (1, 600)] {
            let written = play.cluster().log("out", partition, |log| log.records().count());
            assert_eq!((play.committed(partition), written), (i64::try_from(records).ok(), Some(records)));
        }
    });
}
