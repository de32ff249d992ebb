use std::collections::BTreeMap;

use super::rig::{INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, moved, partition};
use crate::engine::core::{Action, Event};

/// Whether it ends with these actions.
fn ends(rig: &mut Rig, actions: &[Action]) -> bool {
    !rig.core.is_running() && (actions.contains(&Action::Finish) || rig.tick().contains(&Action::Finish))
}

#[test]
fn it_ends_when_what_is_committed_reaches_the_ends() {
    let mut rig = Rig::until(&[(0, 5, false), (1, 3, false)]);
    rig.assign(0, 1, at(None));
    rig.assign(1, 2, at(None));
    rig.chunk(0, 1, &[done(0, 5)]);
    assert!(rig.core.is_running());
    let actions = rig.chunk(1, 2, &[done(0, 3)]);
    assert!(actions.contains(&Action::Flush(true)), "all was read: {actions:?}");
    assert_eq!(commits(&actions), [[(0, 5), (1, 3)]], "nobody waits for the interval");
    assert!(rig.core.is_running());
    let actions = rig.acknowledge();
    assert!(ends(&mut rig, &actions), "{actions:?}");
}

#[test]
fn nobody_is_hurried_while_something_is_unread_and_a_new_partition_takes_it_back() {
    let mut rig = Rig::until(&[(0, 5, false), (1, 3, false)]);
    rig.assign(0, 1, at(None));
    let actions = rig.chunk(0, 1, &[moved(0, 5)]);
    assert!(actions.contains(&Action::Flush(true)), "all of ours was read: {actions:?}");
    let actions = rig.assign(1, 2, at(None));
    assert!(actions.contains(&Action::Flush(false)), "{actions:?}");
    let actions = rig.chunk(1, 2, &[moved(0, 3)]);
    assert!(actions.contains(&Action::Flush(true)), "{actions:?}");
    assert!(!rig.tick().iter().any(|action| matches!(action, Action::Flush(_))), "said once");
}

#[test]
fn partitions_that_count_as_reached_are_not_waited_for() {
    let mut rig = Rig::until(&[(0, 0, true), (1, 3, false)]);
    rig.assign(0, 1, at(None));
    rig.assign(1, 2, at(None));
    rig.chunk(1, 2, &[done(0, 3)]);
    let actions = rig.acknowledge();
    assert!(ends(&mut rig, &actions), "{actions:?}");
    let mut rig = Rig::until(&[(0, 0, true)]);
    let actions = rig.tick();
    assert!(ends(&mut rig, &actions), "there is nothing to do at all: {actions:?}");
}

#[test]
fn partitions_of_others_count_when_others_have_committed_them() {
    let mut rig = Rig::until(&[(0, 5, false), (1, 3, false)]);
    rig.assign(0, 1, at(None));
    let ask = Action::AskGroup(vec![partition(1)]);
    let mut asked = 0;
    rig.chunk(0, 1, &[done(0, 5)]);
    rig.acknowledge();
    for _ in 0..2_000 {
        asked += usize::from(rig.pass(MILLI).contains(&ask));
    }
    assert!((2..=5).contains(&asked), "asked {asked} times in 2 s");
    rig.step(Event::GroupCommitted(BTreeMap::from([(partition(1), 2)])));
    assert!(rig.core.is_running());
    let actions = rig.step(Event::GroupCommitted(BTreeMap::from([(partition(1), 4)])));
    assert!(ends(&mut rig, &actions), "{actions:?}");
}

#[test]
fn what_was_committed_before_counts() {
    let mut rig = Rig::until(&[(0, 5, false)]);
    let actions = rig.assign(0, 1, at(Some(5)));
    assert!(ends(&mut rig, &actions), "{actions:?}");
}

#[test]
fn a_refused_commit_at_the_end_is_tried_again_but_not_in_a_flood() {
    let mut rig = Rig::until(&[(0, 5, false)]);
    rig.assign(0, 1, at(None));
    assert_eq!(commits(&rig.chunk(0, 1, &[done(0, 5)])).len(), 1);
    rig.refuse(crate::broker::CommitErrorKind::Retriable);
    assert!(commits(&rig.pass(just_before(SECOND))).is_empty());
    assert_eq!(commits(&rig.pass(MILLI)).len(), 1);
    let actions = rig.acknowledge();
    assert!(ends(&mut rig, &actions), "{actions:?}");
}

#[test]
fn a_partition_that_moves_to_another_member_in_the_middle_is_finished_by_it() {
    let mut rig = Rig::until(&[(0, 5, false)]);
    rig.assign(0, 1, at(None));
    rig.chunk(0, 1, &[done(0, 2)]);
    rig.step(Event::Revoked(vec![partition(0)]));
    rig.tick();
    rig.acknowledge();
    rig.tick();
    assert!(rig.core.part(0).is_none());
    rig.pass(INTERVAL);
    assert!(rig.core.is_running());
    let actions = rig.step(Event::GroupCommitted(BTreeMap::from([(partition(0), 5)])));
    assert!(ends(&mut rig, &actions), "{actions:?}");
}

#[test]
fn a_tail_of_markers_is_reached_by_the_position() {
    let mut rig = Rig::until(&[(0, 5, false)]);
    rig.assign(0, 1, at(None));
    rig.chunk(0, 1, &[done(0, 4)]);
    assert!(commits(&rig.tick()).is_empty());
    assert_eq!(commits(&rig.step(Event::Positions(&[(0, 5)]))), [[(0, 5)]]);
}
