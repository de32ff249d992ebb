//! A node's memory: saved before the offsets of its records are committed, and there again when its partition is.

use std::sync::Arc;

use super::*;
use crate::{
    kafka,
    testing::simulation::sum::{Sum, Sums, Total},
};

/// A pipeline that adds up numbers; each partition has its own, and all of them in a row.
fn ground(processes: usize, partitions: usize) -> (Ground, Arc<Sums>) {
    let sums = Arc::<Sums>::default();
    let of = Arc::clone(&sums);
    let build = move |app: crate::App| {
        let all = kafka::text("t").stream("t").then(Sum::new(&of, 1).may_begin_anew());
        app.chain(all.then(works::begin::stage()).heal())
    };
    (Ground::new(processes, partitions).app(build), sums)
}

fn each_has_one(play: &Play<'_>) -> bool {
    let has = |seat| (0..2).filter(|at| play.has(seat, *at)).count();
    (has(0), has(1)) == (1, 1)
}

fn total(first: u64, last: u64) -> Total {
    Total { first, last, sum: (first..=last).sum() }
}

#[test]
fn a_node_is_called_at_the_time_that_it_asked_for_also_where_no_record_comes_any_more() {
    let (ground, sums) = ground(1, 1);
    ground.play(|play| {
        sums.clear();
        play.write_quick(0, 0..5);
        play.start(0);
        play.until("the sum is told", |_| sums.told(0) == Some(total(0, 4)));
        play.write_quick(0, 5..7);
        play.until("the next sum is told", |_| sums.told(0) == Some(total(0, 6)));
        play.rest();
    });
}

#[test]
fn a_process_that_is_killed_between_save_and_commit_counts_each_record_once() {
    let (ground, sums) = ground(1, 1);
    ground.play(|play| {
        sums.clear();
        play.write_quick(0, 0..5);
        play.start(0);
        play.until("the first are committed", |play| play.committed(0) == Some(5));
        play.happen(&Fault::Down);
        play.pass(SECOND);
        play.happen(&Fault::Up);
        play.write_quick(0, 5..10);
        play.until("all have run", |play| play.offsets(1, 0).contains(&9));
        play.happen(&Fault::Down);
        // Longer than the interval of commits: the store has them, and the group does not.
        play.pass(SECOND);
        play.kill(0);
        play.happen(&Fault::Up);
        play.start(0);
        play.until("all are committed", |play| play.committed(0) == Some(10));
        play.write_quick(0, 10..11);
        play.until("the sum is told", |_| sums.told(0) == Some(total(0, 10)));
        play.rest();
        assert_eq!(sums.faults(), [""; 0]);
    });
}

#[test]
fn a_save_that_failed_is_made_good_before_anything_is_committed() {
    fail_saves(2);
    // For good: the pipeline ends, and the last commit tries once more.
    fail_saves(0);
}

fn fail_saves(writes: u32) {
    let (ground, sums) = ground(1, 1);
    ground.play(|play| {
        sums.clear();
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        play.happen(&Fault::DiskFull { seat: 0, writes });
        play.write_quick(0, 0..10);
        play.until("some are committed", |play| play.committed(0).is_some());
        if play.ended(0).is_none() {
            play.kill(0);
        }
        let committed = play.committed(0).unwrap_or(0);
        play.write_quick(0, 10..11);
        play.start(0);
        play.until("the sum is told", |_| sums.told(0) == Some(total(0, 10)));
        let again = sums.opened()[1].1.expect("the store has a row");
        assert!((again.first, again.last + 1) >= (0, committed.unsigned_abs()), "{again:?} of {committed}");
        play.rest();
        assert_eq!(sums.faults(), [""; 0]);
    });
}

#[test]
fn a_stop_does_not_wait_for_the_pause_behind_a_save_that_failed() {
    let (ground, sums) = ground(1, 1);
    ground.play(|play| {
        sums.clear();
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        play.happen(&Fault::DiskFull { seat: 0, writes: 7 });
        play.write_quick(0, 0..10);
        // The next try is to be made in 16 seconds, and the drain budget is shorter.
        play.until("its tries are far apart", |play| play.handle(0).health().saves.failures == 7);
        assert_eq!(play.committed(0), None);
        play.stop(0);
        assert_eq!(play.committed(0), Some(10), "the disk has room again");
    });
}

#[test]
fn a_partition_that_comes_back_has_its_rows_unless_another_process_went_on_meanwhile() {
    let (ground, sums) = ground(2, 2);
    ground.play(|play| {
        sums.clear();
        play.write_quick(0, 0..5);
        play.write_quick(1, 1..6);
        play.start(0);
        play.until("all are committed", |play| (play.committed(0), play.committed(1)) == (Some(5), Some(5)));
        // One of the two moves, and nothing comes while it is away.
        play.start(1);
        play.until("each has one", each_has_one);
        play.stop(1);
        play.until("it is back", |play| play.has(0, 0) && play.has(0, 1));
        play.write_quick(0, 5..6);
        play.write_quick(1, 6..7);
        play.until("the sums went on", |_| {
            (sums.told(0), sums.told(1)) == (Some(total(0, 5)), Some(total(1, 6)))
        });
        play.until("all are committed", |play| (play.committed(0), play.committed(1)) == (Some(6), Some(6)));
        // It moves again, and the other process goes on with it.
        play.start(1);
        play.until("each has one", each_has_one);
        let moved = i32::from(play.has(1, 1));
        play.write_quick(0, 6..7);
        play.write_quick(1, 7..8);
        play.until("all are committed", |play| (play.committed(0), play.committed(1)) == (Some(7), Some(7)));
        play.stop(1);
        play.until("it is back", |play| play.has(0, 0) && play.has(0, 1));
        play.write_quick(0, 7..8);
        play.write_quick(1, 8..9);
        let next = u64::from(moved.unsigned_abs()) + 7;
        play.until("the sum begins anew, and the other goes on", |_| {
            let stayed = 1 - moved;
            let other = u64::from(stayed.unsigned_abs());
            sums.told(moved) == Some(total(next, next)) && sums.told(stayed) == Some(total(other, other + 7))
        });
        play.rest();
        assert_eq!(sums.faults(), [""; 0]);
    });
}

#[test]
fn a_group_that_was_reset_is_not_given_the_rows_of_before() {
    let (ground, sums) = ground(1, 1);
    ground.play(|play| {
        sums.clear();
        play.write_quick(0, 0..10);
        play.start(0);
        play.until("all are committed", |play| play.committed(0) == Some(10));
        play.stop(0);
        play.reset(0, 3, "");
        play.start(0);
        play.until("the sum begins anew", |_| sums.told(0) == Some(total(3, 9)));
        play.until("all are committed", |play| play.committed(0) == Some(10));
        play.stop(0);
        play.start(0);
        play.write_quick(0, 10..11);
        play.until("and goes on", |_| sums.told(0) == Some(total(3, 10)));
        play.rest();
        assert_eq!(sums.faults(), [""; 0]);
    });
}

#[test]
fn a_checkpoint_is_in_the_store_before_the_offset_of_its_record_is_committed() {
    let build = |app: crate::App| {
        app.chain(kafka::text("t").stream("t").then(works::begin::stage()).checkpoint().heal())
    };
    Ground::new(1, 1).app(build).play(|play| {
        play.start(0);
        play.until("it has the partition", |play| play.has(0, 0));
        play.happen(&Fault::DiskFull { seat: 0, writes: 1 });
        play.write_quick(0, 0..10);
        play.until("some are committed", |play| play.committed(0).is_some());
        let committed = play.committed(0).expect("some are");
        let kept = play.journal(0).checkpoint("begin", "t", 0).expect("it reads");
        let kept =
            kept.unwrap_or_else(|| panic!("{committed} is committed, and the store has no checkpoint"));
        assert!(kept.offset + 1 >= committed, "{} for {committed}", kept.offset);
    });
}

#[test]
fn rows_that_begin_anew_have_the_records_that_were_done_above_the_commit() {
    let sums = Arc::<Sums>::default();
    let of = Arc::clone(&sums);
    let build = move |app: crate::App| {
        let all = kafka::text("t").stream("t").then(Sum::new(&of, 1).may_begin_anew());
        let slow = all.filter(|value: &String| value.starts_with("wait")).reason("quick");
        app.chain(slow.then(works::finish::stage()).heal())
    };
    Ground::new(1, 1).app(build).play(|play| {
        sums.clear();
        play.write_waiting(0, 6, |number| number == 2);
        play.start(0);
        play.until("the third holds the others", |play| {
            let text = play.committed_with_text(0).filter(|(offset, _)| *offset == 2);
            text.is_some_and(|(offset, text)| Play::claim(0, offset, &text).is_some())
        });
        play.kill_with_disk(0);
        play.let_go("wait 2");
        play.start(0);
        play.until("all that is not committed is in the sum", |_| sums.told(0) == Some(total(2, 5)));
        play.rest();
        assert_eq!(sums.faults(), [""; 0]);
    });
}
