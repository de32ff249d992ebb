//! A partition that moves to another member while its records are at work.

use super::*;
use crate::engine::PartitionState;

/// Offsets 0 to 9 in a partition, of which 3 and 5 wait.
fn fill(play: &mut Play<'_>) {
    play.write_waiting(0, 10, |offset| offset == 3 || offset == 5);
    play.start(0);
    play.until("3 and 5 are at work, and all others are done", |play| {
        play.status(0, 0).is_some_and(|status| (status.position, status.pending) == (10, 2))
    });
}

/// A member that has the first of two partitions; when a second one comes, that moves.
fn ground() -> Ground {
    // Only the revoke commits.
    Ground::new(2, 2).config(|config| config.commit_interval("1m"))
}

#[test]
fn a_revoke_with_3_and_5_pending_commits_3_and_the_new_owner_skips_what_is_done() {
    ground().play(|play| {
        fill(play);
        let asked = play.now();
        play.start(1);
        play.until("the other member has the partition", |play| play.has(1, 0));
        let commits = play.commits(0);
        let [commit] = commits.as_slice() else { panic!("one commit is enough: {commits:?}") };
        assert_eq!((commit.offset, commit.member), (3, Some(play.member(0).0)));
        assert!(commit.owned && commit.generation > 0, "while its generation is valid: {commit:?}");
        assert!(commit.at >= asked + 2 * SECOND, "what is at work had the whole budget");
        let claim = Play::claim(0, 3, &commit.metadata).expect("it says what is done above");
        let runs: Vec<_> = claim.runs.iter().map(|run| (run.first, run.end)).collect();
        assert_eq!(runs, [(4, 5), (6, 10)]);
        play.until("the new owner begins with what was not done", |play| play.visits("wait 3") == 2);
        // Late outcomes of the old owner change nothing.
        play.let_go_visit("wait 3", 1);
        play.let_go_visit("wait 5", 1);
        play.pass(3 * SECOND);
        assert_eq!(play.status(1, 0).expect("it is the new owner's").frontier, 3);
        play.let_go("wait 3");
        play.let_go("wait 5");
        play.rest();
        assert_eq!(play.committed(0), Some(10));
        assert_eq!(play.offsets(2, 0), [3, 5]);
    });
}

#[test]
fn a_revoke_whose_records_end_within_the_budget_commits_all_of_them_once() {
    ground().play(|play| {
        fill(play);
        play.start(1);
        play.until("the partition is about to move", |play| {
            play.status(0, 0).is_some_and(|status| status.state == PartitionState::Draining)
        });
        assert!(play.commits(0).is_empty(), "there is time left");
        let asked = play.now();
        play.let_go("wait 3");
        play.let_go("wait 5");
        play.until("the other member has the partition", |play| play.has(1, 0));
        assert!(play.now() < asked + 2 * SECOND, "nobody waits for the end of the budget");
        assert_eq!(play.committed_offsets(0), [10]);
        play.write(0, "quick 10");
        play.rest();
        assert_eq!(play.offsets(2, 0), [10]);
    });
}

#[test]
fn a_partition_on_its_way_out_begins_nothing_that_waits_in_front_of_it() {
    let one_at_a_time = |config: crate::ConfigBuilder| config.commit_interval("1m").in_flight(1);
    Ground::new(2, 2).config(one_at_a_time).play(|play| {
        play.write(0, "wait 0");
        play.write_quick(0, 1..4);
        play.start(0);
        play.until("the first record is at work", |play| play.visits("wait 0") == 1);
        play.start(1);
        play.until("the partition is about to move", |play| {
            play.status(0, 0).is_some_and(|status| status.state == PartitionState::Draining)
        });
        play.let_go("wait 0");
        play.until("the other member has the partition", |play| play.has(1, 0));
        play.rest();
        assert_eq!((play.offsets(1, 0), play.offsets(2, 0)), (vec![0], vec![1, 2, 3]));
    });
}
