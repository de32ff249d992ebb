//! Results that come after their partition was taken away: each is counted and changes nothing, also where the same member
//! has the partition again.

use super::{
    works::{begin, finish_rows},
    *,
};
use crate::prelude::*;

#[test]
fn a_late_result_of_a_chunk_does_not_complete_the_copy_of_the_next_assignment() {
    let fused = |app: App| app.chain(kafka::text("t").stream("t").then(begin::stage()).heal());
    Ground::new(1, 1).app(fused).play(|play| {
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        // It holds the poll thread while the partition is lost and comes back.
        play.write(0, "hold 10");
        play.happen(&Fault::Lose { seat: 0 });
        play.until("the first copy has begun", |play| play.offsets(1, 0) == [0]);
        play.until("the second copy is committed", |play| play.committed(0) == Some(1));
        assert_eq!(play.offsets(1, 0), [0, 0], "the first copy counts for nothing");
        let report = play.stop(0);
        assert_eq!((report.records, report.fenced), (1, 1));
    });
}

#[test]
fn a_late_result_of_a_batch_does_not_complete_the_copy_of_the_next_assignment() {
    // Batches are of all partitions: nobody cancels them where one is lost.
    let batches = |app: App| {
        let rows = kafka::text("t").stream("t").batch(1);
        app.chain(rows.then(finish_rows::stage()).heal())
    };
    Ground::new(1, 1).app(batches).play(|play| {
        play.start(0);
        play.write(0, "wait 0");
        play.until("the first copy is at work", |play| play.visits("wait 0") == 1);
        play.happen(&Fault::Lose { seat: 0 });
        let generation = play.cluster().generation(play.member(0));
        play.until("the second copy is pending", |play| {
            let pending = play.status(0, 0).is_some_and(|status| status.pending == 1);
            pending && play.cluster().generation(play.member(0)) > generation
        });
        play.let_go_visit("wait 0", 1);
        play.pass(5 * SECOND);
        let status = play.status(0, 0).expect("it has the partition");
        assert_eq!((status.frontier, status.pending, play.committed(0)), (0, 1, None));
        play.let_go("wait 0");
        play.until("the second copy is committed", |play| play.committed(0) == Some(1));
        assert_eq!(play.visits("wait 0"), 2);
        let report = play.stop(0);
        assert_eq!((report.records, report.fenced), (1, 1));
    });
}

#[test]
fn a_late_result_of_a_task_does_not_complete_the_copy_of_the_next_assignment() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        play.write(0, "wait 0");
        play.until("the first copy is at work", |play| play.visits("wait 0") == 1);
        play.happen(&Fault::Lose { seat: 0 });
        play.until("the second copy is at work", |play| play.visits("wait 0") == 2);
        play.let_go_visit("wait 0", 1);
        play.pass(5 * SECOND);
        let status = play.status(0, 0).expect("it has the partition");
        assert_eq!((status.frontier, status.pending, play.committed(0)), (0, 1, None));
        play.let_go_visit("wait 0", 2);
        play.until("the second copy is committed", |play| play.committed(0) == Some(1));
        let report = play.stop(0);
        assert_eq!((report.records, report.fenced), (1, 1));
    });
}
