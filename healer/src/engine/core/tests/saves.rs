//! Commits of a pipeline whose nodes keep something: the store has it first.

use super::rig::{
    BUDGET, INTERVAL, MILLI, Rig, SECOND, STALL, at, commits, done, fresh, just_before, moved, partition,
    some_error,
};
use crate::{
    broker::CommitErrorKind,
    engine::core::{Action, Event, Start},
};

/// The number of the save that a commit waits for, if there is one among the actions.
fn asked(actions: &[Action]) -> Option<u64> {
    actions.iter().find_map(|action| match action {
        Action::Save { number, .. } => *number,
        _ => None,
    })
}

fn rig() -> Rig {
    let mut rig = Rig::that_saves_first();
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 2, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    rig
}

#[test]
fn a_commit_waits_for_the_save_and_is_of_the_moment_of_the_save() {
    let mut rig = rig();
    let actions = rig.pass(INTERVAL);
    let number = asked(&actions).expect("it waits for the save");
    assert!(commits(&actions).is_empty());
    rig.chunk(0, 1, &[done(5, 9)]);
    assert!(rig.step(Event::Saved(number + 1)).is_empty(), "that is another save");
    assert_eq!(commits(&rig.step(Event::Saved(number))), [[(0, 5)]], "the rest is in no save yet");
    rig.acknowledge();
    let number = asked(&rig.pass(INTERVAL)).expect("the rest is due");
    assert_eq!(commits(&rig.step(Event::Saved(number))), [[(0, 9)]]);
    assert!(rig.step(Event::Saved(number)).is_empty(), "it was told already");
}

#[test]
fn a_pipeline_that_keeps_nothing_saves_and_commits_at_once() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    let actions = rig.pass(INTERVAL);
    assert_eq!((asked(&actions), commits(&actions)), (None, vec![vec![(0, 5)]]));
}

#[test]
fn one_save_is_under_way_and_no_commit_waits_for_a_save_without_entries() {
    let mut rig = rig();
    assert!(asked(&rig.pass(INTERVAL)).is_some());
    assert!(rig.pass(INTERVAL).is_empty(), "the store has not answered");
    let mut idle = Rig::that_saves_first();
    idle.assign(0, 1, at(Some(0)));
    assert_eq!(idle.pass(INTERVAL), [Action::Save { number: None, slots: vec![0] }]);
}

#[test]
fn nothing_is_committed_of_partitions_that_went_while_the_store_was_writing() {
    let mut rig = rig();
    rig.chunk(1, 2, &[done(0, 3)]);
    let number = asked(&rig.pass(INTERVAL)).expect("it waits");
    rig.step(Event::Lost(vec![partition(0)]));
    rig.assign(0, 3, at(Some(0)));
    assert_eq!(commits(&rig.step(Event::Saved(number))), [[(1, 3)]]);
    rig.acknowledge();
    rig.chunk(1, 2, &[done(3, 4)]);
    let number = asked(&rig.pass(INTERVAL)).expect("it waits");
    // Its log goes back: the offset means another record now.
    rig.chunk(1, 2, &[done(0, 1)]);
    assert!(commits(&rig.step(Event::Saved(number))).is_empty());
    assert!(!rig.core.commits.is_under_way(), "nobody waits for an answer");
}

#[test]
fn a_partition_that_is_read_anew_is_saved_before_its_start_is_committed() {
    let mut rig = rig();
    let actions = rig.restart(0, 3, Start::sought(2, None));
    let number = asked(&actions).expect("its start is committed at once");
    assert_eq!(commits(&rig.step(Event::Saved(number))), [[(0, 2)]]);
    assert_eq!(rig.core.part(0).map(|part| part.lineage), Some(fresh(3)));
}

#[test]
fn a_partition_is_given_back_when_it_is_saved_and_committed_or_its_time_is_over() {
    let mut given = rig();
    let number = asked(&given.step(Event::Revoked(vec![partition(0)]))).expect("it is saved first");
    assert_eq!(commits(&given.step(Event::Saved(number))), [[(0, 5)]]);
    assert_eq!(given.acknowledge(), [Action::Abort(vec![0]), Action::Release(vec![partition(0)])]);

    let mut late = rig();
    let number = asked(&late.step(Event::Revoked(vec![partition(0)]))).expect("it is saved first");
    assert!(late.pass(just_before(BUDGET)).is_empty(), "the store has the whole budget");
    assert!(late.pass(MILLI).contains(&Action::Release(vec![partition(0)])));
    assert!(late.home(0, 1).is_fenced(), "the saver asks that before it writes");
    assert!(commits(&late.step(Event::Saved(number))).is_empty(), "it is another member's by now");
}

#[test]
fn the_last_commit_of_a_stop_waits_for_the_save() {
    let mut rig = rig();
    rig.chunk(0, 1, &[moved(5, 6)]);
    rig.step(Event::Stop);
    let actions = rig.heal(0, 1, 5);
    let number = asked(&actions).expect("it is saved first");
    assert!(commits(&actions).is_empty() && !rig.core.is_finished());
    assert_eq!(commits(&rig.step(Event::Saved(number))), [[(0, 6)]]);
    rig.acknowledge();
    assert!(rig.core.is_finished());
}

#[test]
fn a_store_that_fails_ends_the_pipeline_and_only_a_save_that_succeeds_is_committed() {
    let mut rig = rig();
    let failed = asked(&rig.pass(INTERVAL)).expect("it waits");
    let actions = rig.step(Event::NotSaved(some_error()));
    assert!(commits(&actions).is_empty() && rig.core.failure.is_some());
    let number = asked(&actions).expect("the last commit is tried with another save");
    assert!(commits(&rig.step(Event::Saved(failed))).is_empty(), "that one failed");
    assert!(!rig.core.is_finished());
    assert_eq!(commits(&rig.step(Event::Saved(number))), [[(0, 5)]]);
    rig.acknowledge();
    assert!(rig.core.is_finished());
}

#[test]
fn a_commit_that_fails_is_tried_again_with_a_save_of_that_moment() {
    let mut rig = rig();
    let number = asked(&rig.pass(INTERVAL)).expect("it waits");
    rig.step(Event::Saved(number));
    rig.chunk(0, 1, &[done(5, 7)]);
    rig.refuse(CommitErrorKind::Retriable);
    let again = asked(&rig.pass(SECOND)).expect("more was done meanwhile");
    assert_eq!(commits(&rig.step(Event::Saved(again))), [[(0, 7)]]);
}

#[test]
fn a_store_that_takes_long_is_seen() {
    let mut rig = rig();
    assert_eq!(rig.core.commits(rig.now).saving, None);
    let number = asked(&rig.pass(INTERVAL)).expect("it waits");
    rig.pass(STALL);
    assert_eq!(rig.core.commits(rig.now).saving, Some(STALL));
    rig.step(Event::Saved(number));
    assert_eq!(rig.core.commits(rig.now).saving, None);
}
