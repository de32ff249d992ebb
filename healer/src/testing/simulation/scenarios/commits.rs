//! Commits that fail: an offset that was not acknowledged stays due, and no commit goes back.

use super::*;

/// Whether no commit says less than the one before.
fn assert_upward(play: &Play<'_>, partition: i32) {
    let offsets = play.committed_offsets(partition);
    assert!(offsets.is_sorted(), "{offsets:?}");
}

fn failures(play: &Play<'_>) -> u64 {
    play.handle(0).health().commits.failures
}

/// A member that has committed the first record; its next commit goes wrong, and then it is to be 3.
fn failing(play: &mut Play<'_>, fault: CommitFault) {
    play.start(0);
    play.write(0, "quick 0");
    play.until("the first record is committed", |play| play.committed(0) == Some(1));
    play.happen(&Fault::Commit { seat: 0, fault });
    play.write_quick(0, 1..3);
    play.until("a commit has failed", |play| failures(play) > 0 || play.commits(0).len() > 1);
}

#[test]
fn a_commit_that_may_be_repeated_is_so_with_what_was_done_meanwhile() {
    Ground::new(1, 1).play(|play| {
        failing(play, CommitFault::Unavailable);
        assert_eq!(play.committed(0), Some(1), "nothing was stored");
        play.write_quick(0, 3..5);
        play.until("all is committed", |play| play.committed(0) == Some(5));
        assert_eq!(play.committed_offsets(0), [1, 5], "one commit for all of it");
        assert_eq!(play.offsets(1, 0), [0, 1, 2, 3, 4]);
        play.rest();
    });
}

#[test]
fn a_commit_without_an_answer_counts_as_failed_and_is_never_followed_by_less() {
    Ground::new(1, 1).play(|play| {
        failing(play, CommitFault::AnswerLost);
        assert_eq!(play.committed(0), Some(3), "it was stored");
        assert_eq!(play.status(0, 0).and_then(|status| status.committed), Some(1), "nobody has said so");
        play.until("it is asked for again", |play| play.committed_offsets(0) == [1, 3, 3]);
        play.write_quick(0, 3..5);
        play.until("all is committed", |play| play.committed(0) == Some(5));
        assert_upward(play, 0);
        play.rest();
    });
}

#[test]
fn entries_of_a_commit_that_were_not_stored_are_asked_for_again() {
    Ground::new(1, 2).config(|config| config.commit_interval("5s")).play(|play| {
        play.start(0);
        play.until("it has both partitions", |play| play.has(0, 0) && play.has(0, 1));
        play.happen(&Fault::Commit { seat: 0, fault: CommitFault::Partial(1) });
        play.write_quick(0, 0..3);
        play.write_quick(1, 0..3);
        play.until("one of both is stored", |play| !play.commits(0).is_empty());
        assert!(play.commits(1).is_empty());
        play.until("so is the other", |play| play.committed(1) == Some(3));
        assert_upward(play, 0);
        play.rest();
    });
}

#[test]
fn a_rebalance_in_progress_puts_a_commit_off_and_polling_goes_on() {
    for fault in [CommitFault::Rebalancing, CommitFault::IllegalGeneration] {
        Ground::new(1, 1).play(|play| {
            failing(play, fault);
            // Records still come.
            play.write_quick(0, 3..5);
            play.until("they ran", |play| play.offsets(1, 0).len() == 5);
            play.until("all is committed", |play| play.committed(0) == Some(5));
            assert_upward(play, 0);
            play.rest();
            assert_eq!(play.offsets(1, 0), [0, 1, 2, 3, 4], "the partition was never taken for lost");
        });
    }
}

#[test]
fn a_member_that_the_coordinator_does_not_know_has_lost_its_partitions() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        play.write(0, "quick 0");
        play.write(0, "wait 1");
        play.until("the first record is committed", |play| play.committed(0) == Some(1));
        play.until("the second one is at work", |play| play.visits("wait 1") == 1);
        play.happen(&Fault::Commit { seat: 0, fault: CommitFault::UnknownMember });
        // A claim of a record that is done above the frontier is due as well.
        play.write(0, "quick 2");
        play.until("its commit is refused", |play| failures(play) > 0);
        assert!(!play.has(0, 0), "it lets go at once, whenever the client says so");
        play.until("it has the partition anew", |play| play.visits("wait 1") == 2);
        play.let_go_visit("wait 1", 1);
        play.pass(3 * SECOND);
        assert_eq!(play.committed(0), Some(1), "what was at work is fenced");
        play.let_go("wait 1");
        play.until("all is committed", |play| play.committed(0) == Some(3));
        assert_upward(play, 0);
        // That 2 was done stays true: the store remembers it.
        assert_eq!(play.offsets(1, 0), [0, 1, 2, 1]);
        assert!(play.stop(0).fenced > 0);
    });
}

#[test]
fn a_member_that_may_not_commit_ends_and_says_so() {
    Ground::new(1, 1).play(|play| {
        play.start(0);
        play.write_quick(0, 0..3);
        // Neither the first one nor the last one.
        (0..2).for_each(|_| play.happen(&Fault::Commit { seat: 0, fault: CommitFault::Forbidden }));
        play.until("it has ended", |play| play.ended(0).is_some());
        let Some(Err(Error::Commit(text))) = play.ended(0) else { panic!("{:?}", play.ended(0)) };
        assert!(text.contains("authorization"), "{text}");
        assert_eq!(play.committed(0), None);
        play.start(0);
        play.rest();
        assert_eq!(play.offsets(2, 0), [0, 1, 2]);
    });
}
