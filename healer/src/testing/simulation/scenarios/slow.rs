//! Stages that take longer than the group waits for a poll, which is 20 seconds here.

use super::*;
use crate::prelude::*;

#[test]
fn a_synchronous_stage_may_take_longer_than_the_group_waits_for_a_poll() {
    let fused = |app: App| app.chain(kafka::text("t").stream("t").then(super::works::begin::stage()).heal());
    Ground::new(1, 1).app(fused).play(|play| {
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        let generation = play.cluster().generation(play.member(0));
        let began = play.now();
        play.write(0, "hold 60");
        play.write(0, "quick 1");
        play.until("it is committed", |play| play.committed(0) == Some(2));
        assert!(play.now() >= began + 60 * SECOND);
        assert_eq!(play.cluster().generation(play.member(0)), generation, "nobody was thrown out");
        assert_eq!(play.offsets(1, 0), [0, 1]);
        let report = play.stop(0);
        assert_eq!((report.records, report.fenced), (2, 0));
    });
}

#[test]
fn a_slow_record_holds_its_own_partition_and_says_so_while_others_go_on() {
    Ground::new(1, 2).config(|config| config.in_flight(2)).play(|play| {
        play.start(0);
        play.until("it has both partitions", |play| play.has(0, 0) && play.has(0, 1));
        let generation = play.cluster().generation(play.member(0));
        play.write(0, "wait 0");
        // Enough for fetching to pause.
        for number in 1..20 {
            play.write(0, format!("wait {number}"));
        }
        play.pass(60 * SECOND);
        play.write_quick(1, 0..5);
        play.until("the other partition is done", |play| play.committed(1) == Some(5));
        let blocked = play.status(0, 0).and_then(|status| status.blocked).expect("it is blocked");
        assert_eq!((blocked.offset, &*blocked.stage), (0, "t.begin.filter.finish"));
        assert!(blocked.lasting > 50 * SECOND);
        assert!(play.offsets(1, 0).len() <= 2, "no more than may be in flight");
        assert_eq!(play.committed(0), None);
        assert_eq!(play.cluster().generation(play.member(0)), generation, "nobody was thrown out");
        (0..20).for_each(|number| play.let_go(&format!("wait {number}")));
        play.rest();
        assert_eq!(play.offsets(1, 0), (0..20).collect::<Vec<_>>());
    });
}
