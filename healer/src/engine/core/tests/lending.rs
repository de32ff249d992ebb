use super::rig::{BUDGET, INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, moved, partition};
use crate::engine::core::{Action, Event};
use crate::envelope::Outcome;

fn out() -> Rig {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    assert!(rig.begin(0, 1, 5));
    rig
}

#[test]
fn a_chunk_is_lent_to_its_own_open_generation_only() {
    let mut rig = out();
    assert!(!rig.begin(0, 2, 5), "another generation");
    assert!(!rig.begin(1, 1, 5), "not assigned");
    rig.chunk(0, 1, &[]);
    rig.step(Event::Revoked(vec![partition(0)]));
    assert!(!rig.begin(0, 1, 5), "on its way out");
    let mut rig = out();
    rig.chunk(0, 1, &[]);
    rig.step(Event::Stop);
    assert!(!rig.begin(0, 1, 5), "nothing begins once it stops");
}

#[test]
fn nothing_of_a_lent_chunk_is_committed_before_it_is_back() {
    let mut rig = out();
    assert_eq!(rig.core.credit(0), 0, "one chunk of a partition at a time");
    assert!(rig.core.is_busy());
    // The consumer is beyond the records that are out.
    rig.step(Event::Positions(&[(0, 20)]));
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 5)]]);
    rig.acknowledge();
    rig.chunk(0, 1, &[done(5, 20)]);
    assert_eq!(rig.core.credit(0), 100);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 20)]]);
}

#[test]
fn an_outcome_that_is_home_before_its_chunk_counts_once_the_chunk_is_back() {
    let mut rig = out();
    rig.heal(0, 1, 6);
    rig.settle(0, 1, 7, Outcome::Returned);
    rig.pass(SECOND);
    assert!(rig.core.failure.is_none(), "why it came back is told when the chunk ends");
    assert_eq!((rig.frontier(0), rig.core.tally.stale, rig.core.tally.healed), (5, 0, 5));
    rig.chunk(0, 1, &[done(5, 6), moved(6, 9)]);
    assert_eq!((rig.frontier(0), rig.core.tally.stale, rig.core.tally.healed), (7, 0, 7));
    rig.pass(SECOND);
    assert!(rig.core.failure.is_some(), "nobody told why 7 came back");
}

#[test]
fn a_revoke_waits_for_a_lent_chunk_and_commits_it() {
    let mut rig = out();
    let actions = rig.step(Event::Revoked(vec![partition(0)]));
    assert!(commits(&actions).is_empty());
    assert!(commits(&rig.pass(just_before(BUDGET))).is_empty(), "it may come back within the budget");
    assert_eq!(commits(&rig.chunk(0, 1, &[done(5, 9)])), [[(0, 9)]]);
    let actions = rig.acknowledge();
    assert!(actions.contains(&Action::Release(vec![partition(0)])), "{actions:?}");
    assert_eq!(rig.core.tally.stale, 0);
}

#[test]
fn a_chunk_that_comes_back_after_its_partition_was_given_back_changes_nothing_and_is_counted() {
    let mut rig = out();
    rig.heal(0, 1, 8);
    rig.step(Event::Revoked(vec![partition(0)]));
    assert_eq!(commits(&rig.pass(BUDGET)), [[(0, 5)]], "what was done before the chunk");
    let actions = rig.acknowledge();
    assert!(actions.contains(&Action::Release(vec![partition(0)])), "{actions:?}");
    assert!(rig.home(0, 1).is_halted());
    assert_eq!(rig.core.tally.stale, 1, "what came home early");
    rig.assign(0, 2, at(Some(5)));
    assert!(rig.begin(0, 2, 5));
    rig.chunk(0, 1, &[done(5, 8), moved(8, 9)]);
    assert_eq!((rig.core.tally.stale, rig.frontier(0)), (4, 5));
    assert_eq!(rig.core.credit(0), 0, "the chunk of the new generation is still out");
}

#[test]
fn a_stop_waits_for_a_lent_chunk_up_to_the_budget() {
    let mut rig = out();
    rig.step(Event::Stop);
    assert!(commits(&rig.pass(just_before(BUDGET))).is_empty());
    assert_eq!(commits(&rig.chunk(0, 1, &[done(5, 9)])), [[(0, 9)]]);
    let mut rig = out();
    rig.step(Event::Stop);
    assert_eq!(commits(&rig.pass(BUDGET)), [[(0, 5)]]);
    assert!(rig.acknowledge().contains(&Action::Finish));
}

#[test]
fn the_record_that_runs_is_what_blocks_and_for_how_long() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    assert!(rig.begin(0, 1, 3));
    rig.pass(SECOND);
    let blocked = |rig: &Rig| rig.core.status(rig.now).remove(0).blocked.expect("a chunk is out");
    assert_eq!((blocked(&rig).offset, blocked(&rig).lasting), (3, SECOND));
    rig.home(0, 1).set_running(Some(7));
    rig.tick();
    rig.pass(2 * SECOND);
    let running = blocked(&rig);
    assert_eq!((running.offset, &*running.stage, running.lasting), (7, "node 0", 2 * SECOND));
    rig.chunk(0, 1, &[moved(3, 8)]);
    assert_eq!(blocked(&rig).offset, 3, "the lowest that is pending");
    rig.begin(0, 1, 8);
    rig.pass(MILLI);
    assert_eq!(blocked(&rig).offset, 3, "the lowest that is pending, also while others run");
    for offset in 3..8 {
        rig.heal(0, 1, offset);
    }
    assert_eq!(blocked(&rig).offset, 8);
    rig.chunk(0, 1, &[done(8, 9)]);
    assert_eq!(rig.core.status(rig.now).remove(0).blocked, None);
}
