//! Offsets that are no records: compacted ones, markers of transactions, aborted records.

use super::*;

#[test]
fn the_frontier_is_the_lowest_pending_record_and_not_the_next_number() {
    Ground::new(1, 1).play(|play| {
        // Records at 10, 111 and 112.
        play.write_waiting(0, 113, |offset| offset == 10 || offset == 111);
        play.cluster().compact("t", 0, |offset, _| (11..111).contains(&offset));
        play.cluster().delete_records("t", 0, 10);
        play.start(0);
        let at = |play: &Play<'_>| play.status(0, 0).map(|status| (status.frontier, status.pending));
        play.until("two are at work", |play| at(play) == Some((10, 2)));
        play.pass(SECOND);
        assert!(play.committed(0).is_none_or(|offset| offset == 10), "{:?}", play.committed(0));
        play.let_go("wait 10");
        play.until("the frontier is at the next record", |play| at(play) == Some((111, 1)));
        play.until("it is committed", |play| play.committed(0) == Some(111));
        play.pass(SECOND);
        assert_eq!(play.committed(0), Some(111));
        play.let_go("wait 111");
        play.until("the end is committed", |play| play.committed(0) == Some(113));
        assert_eq!(play.offsets(1, 0), [10, 111, 112]);
        let report = play.stop(0);
        assert_eq!((report.records, report.lag), (3, Some(0)));
    });
}

#[test]
fn markers_behind_the_last_record_are_committed_and_the_lag_is_nothing() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        play.write(0, "wait 0");
        play.write(0, "quick 1");
        // Two aborted records with their marker, and another one.
        play.happen(&Fault::Transaction { at: 0, aborted: 2 });
        play.happen(&Fault::Transaction { at: 0, aborted: 0 });
        play.until("the first record is at work", |play| play.visits("wait 0") == 1);
        play.pass(3 * SECOND);
        assert!(play.committed(0).is_none_or(|offset| offset == 0), "no marker passes a record");
        play.let_go("wait 0");
        play.until("the end is committed", |play| play.committed(0) == Some(6));
        play.write(0, "quick 6");
        play.until("so is what follows", |play| play.committed(0) == Some(7));
        assert_eq!(play.offsets(1, 0), [0, 1, 6]);
        assert_eq!(play.stop(0).lag, Some(0));
    });
}
