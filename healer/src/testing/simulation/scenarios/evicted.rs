//! Members that the group has given up: their late work is fenced, and they commit nothing.

use super::*;

/// A member at work that has committed the first record, and another one that waits for its partition.
fn at_work(play: &mut Play<'_>) {
    play.start(0);
    play.write(0, "quick 0");
    play.write(0, "wait 1");
    play.until("the first record is committed", |play| play.committed(0) == Some(1));
    play.until("the second one is at work", |play| play.visits("wait 1") == 1);
    play.start(1);
    play.until("the other member is there", |play| {
        play.cluster().is_settled() && play.cluster().generation(play.member(1)) > 0
    });
    // With the eager protocol it was given back and came again.
    let visits = if play.protocol == Protocol::Eager { 2 } else { 1 };
    play.until("it is at work", |play| play.has(0, 0) && play.visits("wait 1") == visits);
}

#[test]
fn who_is_thrown_out_at_work_commits_nothing_for_it() {
    Ground::new(2, 1).play(|play| {
        at_work(play);
        let (first, commits) = (play.member(0).0, play.commits(0).len());
        play.happen(&Fault::Lose { seat: 0 });
        // It ends before the first member hears of that, and is due.
        play.let_go_visit("wait 1", play.visits("wait 1"));
        play.until("the other member is at work", |play| play.offsets(2, 0) == [1]);
        play.pass(3 * SECOND);
        assert_eq!(play.commits(0).len(), commits);
        play.let_go("wait 1");
        play.until("it is committed", |play| play.committed(0) == Some(2));
        assert!(play.commits(0)[commits..].iter().all(|commit| commit.member != Some(first)));
        play.rest();
    });
}

#[test]
fn who_stood_still_beyond_its_session_commits_nothing_when_it_wakes() {
    Ground::new(2, 1).config(|config| config.commit_interval("10s")).play(|play| {
        play.start(0);
        play.write(0, "wait 0");
        play.until("it is at work", |play| play.visits("wait 0") == 1);
        let first = play.member(0).0;
        play.happen(&Fault::Freeze { seat: 0 });
        // It would be done, if it could go on.
        play.let_go_visit("wait 0", 1);
        play.start(1);
        play.until("the other member is at work", |play| play.offsets(2, 0) == [0]);
        play.happen(&Fault::Thaw { seat: 0 });
        play.pass(30 * SECOND);
        assert_eq!(play.committed(0), None);
        play.let_go("wait 0");
        play.rest();
        assert!(play.commits(0).iter().all(|commit| commit.member != Some(first)));
    });
}

#[test]
fn what_is_lost_is_not_committed_as_what_is_revoked_is() {
    Ground::new(1, 1).config(|config| config.commit_interval("1m")).play(|play| {
        play.start(0);
        play.write_quick(0, 0..5);
        play.until("all is done, and nothing is due yet", |play| {
            play.status(0, 0).is_some_and(|status| status.frontier == 5)
        });
        play.happen(&Fault::Lose { seat: 0 });
        play.until("all was done again", |play| play.offsets(1, 0).len() == 10);
        assert!(play.commits(0).is_empty());
        play.rest();
        assert_eq!(play.committed_offsets(0), [5], "by who has the partition now");
    });
}
