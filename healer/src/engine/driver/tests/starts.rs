//! Where partitions start is asked apart from polling, and only an answer for this very assignment counts.

use std::{sync::Arc, time::Duration};

use super::rig::{INTERVAL, Rig};
use crate::{Start, app::Error, broker::BrokerErrorKind};

const ASK: &str = "healer-starts";
const AGAIN: Duration = Duration::from_millis(200);

#[test]
fn polling_goes_on_while_starts_are_looked_up() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.assign(&[1]);
    rig.turns(2);
    assert_eq!(rig.waiting(ASK), 1);
    // What comes is done and committed.
    rig.group.put(0, 0..3);
    rig.turns(1);
    rig.pass(INTERVAL);
    rig.turns(1);
    rig.work("healer-commit");
    rig.turns(1);
    assert_eq!(rig.group.state().committed[&0], 3);
    // What is to be given back is.
    rig.group.revoke(&[0]);
    rig.turns(3);
    assert_eq!(rig.group.told(), ["unassign 0"]);
    rig.answer_starts();
    assert_eq!(rig.group.told(), ["assign 1@0"]);
}

#[test]
fn a_stop_waits_for_no_look_up_and_its_answer_opens_nothing() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.assign(&[1]);
    rig.turns(2);
    rig.handle.stop();
    rig.turns(1);
    rig.work(ASK);
    rig.turns(2);
    rig.end().expect("it has ended").expect("of itself");
    assert_eq!(rig.group.told(), [""; 0]);
}

#[test]
fn a_look_up_without_an_answer_keeps_no_store_open() {
    let mut rig = Rig::new();
    rig.group.assign(&[0]);
    rig.turns(2);
    rig.handle.stop();
    rig.turns(2);
    assert!(rig.end().is_some());
    assert_eq!(rig.waiting(ASK), 1);
    let (store, _threads) = rig.left();
    assert_eq!(Arc::strong_count(&store), 1);
}

#[test]
fn a_look_up_that_fails_after_the_stop_is_no_failure() {
    let rig = Rig::with(|config| config.start(Start::Error));
    rig.group.set(|state| state.committed.insert(0, 0));
    let mut rig = rig.opened(&[0]);
    rig.group.put(0, 0..3);
    rig.group.assign(&[1]);
    rig.turns(2);
    rig.handle.stop();
    rig.turns(1);
    // The group has committed nothing for it.
    rig.work(ASK);
    rig.turns(1);
    rig.work("healer-commit");
    rig.turns(1);
    rig.end().expect("it has ended").expect("as it was told to");
}

#[test]
fn an_answer_for_an_assignment_that_is_over_is_dropped() {
    let mut rig = Rig::new();
    for gone in [super::group::Group::revoke, super::group::Group::lose] {
        rig.group.assign(&[0]);
        rig.turns(2);
        gone(&rig.group, &[0]);
        rig.turns(3);
        assert_eq!(rig.group.told(), ["unassign 0"], "though it was never taken");
        rig.answer_starts();
        assert_eq!(rig.group.told(), [""; 0]);
        assert!(rig.positions().is_empty());
    }
}

#[test]
fn a_partition_that_was_lost_and_came_back_starts_where_others_left_it() {
    let mut rig = Rig::new();
    rig.group.set(|state| state.committed.insert(0, 3));
    rig.group.assign(&[0]);
    rig.turns(2);
    rig.group.lose(&[0]);
    rig.group.assign(&[0]);
    rig.turns(1);
    // It was asked for the one before, and others have committed since.
    rig.work(ASK);
    rig.group.set(|state| state.committed.insert(0, 9));
    rig.turns(1);
    assert_eq!(rig.group.told(), ["unassign 0"]);
    rig.answer_starts();
    assert_eq!(rig.group.told(), ["assign 0@9"]);
    assert_eq!(rig.positions()[&0], 9);
}

#[test]
fn what_is_left_of_an_assignment_is_opened() {
    let mut rig = Rig::new();
    rig.group.assign(&[0, 1]);
    rig.turns(2);
    rig.group.lose(&[0]);
    rig.turns(1);
    rig.answer_starts();
    assert_eq!(rig.group.told(), ["unassign 0", "assign 1@0"]);
}

#[test]
fn what_is_assigned_during_a_look_up_is_asked_for_next_and_together() {
    let mut rig = Rig::new();
    for partition in 0..3 {
        rig.group.assign(&[partition]);
        rig.turns(2);
        assert_eq!(rig.waiting(ASK), 1);
    }
    rig.answer_starts();
    assert_eq!((rig.group.told(), rig.waiting(ASK)), (vec!["assign 0@0".to_owned()], 1));
    rig.answer_starts();
    assert_eq!((rig.group.told(), rig.waiting(ASK)), (vec!["assign 1@0 2@0".to_owned()], 0));
}

#[test]
fn a_look_up_that_fails_is_tried_again() {
    let mut rig = Rig::new();
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Unreachable));
    rig.group.assign(&[0]);
    rig.turns(2);
    for _ in 0..1_000 {
        rig.answer_starts();
        rig.turns(1);
        assert_eq!(rig.waiting(ASK), 0, "not at once");
        rig.pass(AGAIN);
        rig.turns(1);
    }
    rig.group.set(|state| state.fails = None);
    rig.answer_starts();
    assert_eq!(rig.group.told(), ["assign 0@0"]);
}

#[test]
fn a_broker_that_refuses_is_given_up_after_a_minute() {
    let mut rig = Rig::new();
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Transient));
    rig.group.assign(&[0]);
    rig.turns(2);
    rig.pass(Duration::from_secs(59));
    rig.answer_starts();
    rig.pass(Duration::from_secs(1));
    rig.turns(1);
    assert!(rig.end().is_none());
    rig.answer_starts();
    rig.turns(1);
    assert!(matches!(rig.end(), Some(Err(Error::Broker(_)))));
}

#[test]
fn an_error_about_a_partition_that_is_gone_ends_nothing() {
    let mut rig = Rig::with(|config| config.start(Start::Error));
    rig.group.set(|state| state.committed.insert(1, 2));
    rig.group.assign(&[0, 1]);
    rig.turns(2);
    rig.group.lose(&[0]);
    rig.turns(1);
    rig.answer_starts();
    assert!(rig.end().is_none());
    rig.answer_starts();
    assert_eq!(rig.group.told(), ["unassign 0", "assign 1@2"]);
}

#[test]
fn a_panic_of_the_client_is_told() {
    let mut rig = Rig::new();
    rig.group.set(|state| state.panics = true);
    rig.group.assign(&[0]);
    rig.turns(2);
    rig.work(ASK);
    rig.turns(2);
    assert!(matches!(rig.end(), Some(Err(Error::Engine(text))) if text == "the client is confused"));
}
