//! Commits cover only records that were read and done: never more, and nothing where nothing happened.

use super::*;

#[test]
fn where_nothing_is_delivered_and_nothing_moves_nothing_is_committed() {
    Ground::new(1, 2).play(|play| {
        // One partition is empty, the other one done.
        play.write_quick(1, 0..5);
        play.reset(1, 5, "");
        play.start(0);
        play.until("it has both partitions", |play| play.has(0, 0) && play.has(0, 1));
        play.pass(30 * SECOND);
        let report = play.stop(0);
        assert!(play.commits(0).is_empty() && play.commits(1).is_empty());
        assert_eq!((report.commits, report.lag), (0, Some(0)));
    });
}

#[test]
fn a_position_that_markers_alone_moved_is_committed() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        play.happen(&Fault::Transaction { at: 0, aborted: 0 });
        play.happen(&Fault::Transaction { at: 0, aborted: 3 });
        play.until("the position is committed", |play| play.committed(0) == Some(5));
        assert_eq!(play.stop(0).records, 0);
        assert_eq!(play.committed_offsets(0).last(), Some(&5));
    });
}

#[test]
fn the_last_record_commits_exactly_its_offset_and_one() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        for next in 1..=5 {
            play.write(0, format!("quick {next}"));
            play.until("it is committed", |play| play.committed(0) == Some(next));
        }
        play.pass(10 * SECOND);
        assert_eq!(play.committed_offsets(0), [1, 2, 3, 4, 5], "each once");
        play.rest();
    });
}

#[test]
fn what_was_fetched_and_waits_is_not_committed() {
    Ground::new(1, 1).config(|config| config.in_flight(1)).play(|play| {
        play.write(0, "wait 0");
        play.write_quick(0, 1..20);
        // Nobody waits at the marker, where a position that ran ahead would end.
        play.happen(&Fault::Transaction { at: 0, aborted: 0 });
        play.start(0);
        play.until("the first record is at work", |play| play.visits("wait 0") == 1);
        play.pass(5 * SECOND);
        assert_eq!((play.committed(0), play.offsets(1, 0)), (None, vec![0]));
        play.let_go("wait 0");
        play.until("all is committed", |play| play.committed(0) == Some(21));
        play.rest();
    });
}
