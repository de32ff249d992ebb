use healer_store::{DoneAbove, Run};

use super::rig::{INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, moved, partition};
use crate::{
    broker::CommitErrorKind,
    engine::{
        PartitionState,
        core::{Action, Event, Start},
    },
    error::Error,
};

const MINUTE: std::time::Duration = std::time::Duration::from_mins(1);

/// 0 to 4 are done, 5 is pending, 6 to 9 are done.
fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5), moved(5, 6), done(6, 10)]);
    rig
}

fn state(rig: &Rig) -> PartitionState {
    rig.core.status(rig.now).remove(0).state
}

#[test]
fn an_offset_that_goes_back_asks_for_a_new_generation_and_nothing_of_it_is_taken_in() {
    let mut rig = rig();
    rig.heal(0, 1, 5);
    let actions = rig.chunk(0, 1, &[done(10, 12), done(3, 9), done(9, 20)]);
    assert_eq!(actions, [Action::Rewind { slot: 0, generation: 1, offset: 3 }]);
    assert_eq!((rig.frontier(0), state(&rig)), (12, PartitionState::Restarting));
    assert!(rig.tick().is_empty(), "it is asked once");
    assert!(rig.core.failure.is_none());
    assert!(!rig.begin(0, 1, 12));
    assert_eq!(rig.core.credit(0), 0);
    rig.step(Event::Positions(&[(0, 30)]));
    assert_eq!(rig.frontier(0), 12);
    assert!(commits(&rig.pass(INTERVAL)).is_empty(), "the old offsets mean other records by now");
}

#[test]
fn what_was_pending_below_is_read_again() {
    let mut rig = rig();
    assert_eq!(rig.chunk(0, 1, &[done(7, 9)]), [Action::Rewind { slot: 0, generation: 1, offset: 5 }]);
}

#[test]
fn a_chunk_that_begins_lower_than_it_must_does_not_even_begin() {
    let mut rig = rig();
    assert!(!rig.begin(0, 1, 2));
    assert_eq!(rig.tick(), [Action::Rewind { slot: 0, generation: 1, offset: 2 }]);
}

#[test]
fn a_new_epoch_commits_its_start_at_once_also_when_that_is_lower() {
    let mut rig = rig();
    rig.pass(INTERVAL);
    rig.acknowledge();
    rig.heal(0, 1, 5);
    rig.chunk(0, 1, &[done(2, 4)]);
    assert_eq!(commits(&rig.restart(0, 2, Start::at(2))), [[(0, 2)]]);
    rig.acknowledge();
    assert_eq!((rig.committed(0), state(&rig)), (Some(2), PartitionState::Running));
    rig.chunk(0, 2, &[done(2, 4)]);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 4)]]);
    assert_eq!(rig.core.tally.data_losses, 0, "all of it is read again");
}

#[test]
fn what_was_claimed_about_the_old_epoch_is_not_believed_of_the_new_one() {
    let mut rig = rig();
    let claim = DoneAbove { frontier: 2, fingerprint: 7, leader_epoch: None, runs: vec![Run::new(4, 6)] };
    rig.restart(0, 2, Start { claim: Some(claim), ..Start::at(2) });
    assert!(!rig.core.part(0).expect("assigned").ledger.has_claim());
}

#[test]
fn a_request_of_the_old_epoch_that_is_under_way_says_nothing_about_the_new_one() {
    let mut rig = rig();
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 5)]]);
    assert!(commits(&rig.restart(0, 2, Start::at(2))).is_empty());
    assert_eq!(commits(&rig.acknowledge()), [[(0, 2)]]);
    assert_eq!(rig.committed(0), None);
}

#[test]
fn what_the_old_generation_still_does_changes_nothing_and_is_counted() {
    let mut rig = rig();
    rig.begin(0, 1, 10);
    rig.heal(0, 1, 10);
    rig.restart(0, 2, Start::at(5));
    assert!(rig.home(0, 1).is_halted());
    rig.chunk(0, 2, &[moved(5, 11)]);
    rig.heal(0, 1, 5);
    rig.chunk(0, 1, &[moved(10, 11), done(11, 12)]);
    assert_eq!((rig.core.tally.stale, rig.frontier(0)), (3, 5));
}

#[test]
fn offsets_that_vanished_are_counted_and_the_frontier_goes_on_above_them() {
    let mut rig = rig();
    assert_eq!(commits(&rig.restart(0, 2, Start::at(20))), [[(0, 20)]]);
    // 5, which was pending, and 10 to 19, which were never read.
    assert_eq!((rig.core.tally.data_losses, rig.core.tally.lost_offsets), (1, 11));
    rig.restart(0, 3, Start::at(21));
    let status = rig.core.status(rig.now).remove(0);
    assert_eq!((status.data_losses, rig.core.tally.lost_offsets), (2, 12));
}

#[test]
fn a_start_above_what_the_group_has_committed_is_a_loss_too() {
    let mut rig = Rig::new();
    rig.assign(0, 1, Start { commit: true, gone_from: Some(7), ..Start::at(10) });
    assert_eq!((rig.core.tally.data_losses, rig.core.tally.lost_offsets), (1, 3));
    assert_eq!(rig.core.status(rig.now)[0].data_losses, 1);
}

#[test]
fn a_new_epoch_of_what_is_not_ours_any_more_never_begins() {
    let mut rig = rig();
    rig.step(Event::Revoked(vec![partition(0)]));
    let mut actions = rig.restart(0, 2, Start::at(2));
    assert!(actions.contains(&Action::Abort(vec![0])), "{actions:?}");
    assert!(rig.home(0, 2).is_halted());
    // The ledger is about another log: the partition is given back as it is.
    actions.extend(rig.heal(0, 1, 5));
    actions.extend(rig.pass(INTERVAL));
    assert!(commits(&actions).is_empty(), "{actions:?}");
    assert!(actions.contains(&Action::Release(vec![partition(0)])), "{actions:?}");
    assert_eq!(rig.restart(0, 3, Start::at(2)), [Action::Abort(vec![0])]);
    assert!(rig.core.part(0).is_none());
}

#[test]
fn a_partition_that_went_back_is_given_back_without_a_commit() {
    let mut rig = rig();
    rig.chunk(0, 1, &[done(1, 2)]);
    rig.heal(0, 1, 5);
    let actions = rig.step(Event::Revoked(vec![partition(0)]));
    assert!(commits(&actions).is_empty());
    assert!(actions.contains(&Action::Close(vec![0])));
    let actions = rig.tick();
    assert!(actions.contains(&Action::Release(vec![partition(0)])), "{actions:?}");
}

#[test]
fn a_slot_that_came_back_during_the_drain_is_not_taken_away_by_the_old_revoke() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 2, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 1)]);
    rig.chunk(1, 2, &[moved(0, 1)]);
    rig.step(Event::Revoked(vec![partition(0), partition(1)]));
    rig.step(Event::Lost(vec![partition(0)]));
    rig.assign(0, 3, at(Some(0)));
    rig.chunk(0, 3, &[moved(0, 1)]);
    rig.heal(1, 2, 0);
    let actions = rig.acknowledge();
    assert!(actions.contains(&Action::Abort(vec![1])), "{actions:?}");
    assert!(actions.contains(&Action::Release(vec![partition(1)])), "{actions:?}");
    assert_eq!((rig.core.part(0).is_some(), rig.core.credit(0)), (true, 99));
}

fn fenced() -> Rig {
    let mut rig = rig();
    rig.pass(INTERVAL);
    rig.refuse(CommitErrorKind::Fenced);
    assert!(rig.core.part(0).is_none());
    rig
}

#[test]
fn a_partition_that_a_fenced_commit_took_ends_the_pipeline_by_name_if_no_rebalance_follows() {
    let mut rig = fenced();
    rig.pass(just_before(MINUTE));
    assert!(rig.core.failure.is_none());
    rig.pass(MILLI);
    let Some(Error::Fenced { topic, partition }) = &rig.core.failure else {
        panic!("{:?}", rig.core.failure)
    };
    assert_eq!((topic.as_str(), *partition), ("t", 0));
    rig.acknowledge();
    rig.tick();
    assert!(rig.core.is_finished());
}

#[test]
fn a_rebalance_after_a_fenced_commit_says_what_becomes_of_the_partition() {
    let mut rig = fenced();
    rig.step(Event::Lost(vec![partition(0)]));
    rig.pass(2 * MINUTE);
    assert!(rig.core.failure.is_none());
    let mut rig = fenced();
    rig.step(Event::Revoked(vec![partition(0)]));
    rig.pass(2 * MINUTE);
    assert!(rig.core.failure.is_none());
    let mut rig = fenced();
    rig.pass(SECOND);
    rig.assign(0, 2, at(Some(0)));
    rig.pass(2 * MINUTE);
    assert!(rig.core.failure.is_none());
}
