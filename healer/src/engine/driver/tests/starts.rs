//! Where partitions start is asked apart from polling, and only an answer for this very assignment counts.

use std::{sync::Arc, time::Duration};

use super::{
    super::{Handle, Mode, prepare},
    group::{Group, State},
    rig::{Hands, INTERVAL, Rig, launch},
};
use crate::{
    Start,
    broker::BrokerErrorKind,
    error::Error,
    journal::{Journal, Scope},
};

const ASK: &str = "healer-starts";
const AGAIN: Duration = Duration::from_millis(200);

#[test]
fn polling_goes_on_while_starts_are_looked_up() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.assign(&[1]);
    rig.turns(2);
    assert_eq!(rig.waiting(ASK), 1);
    // Records that come are done and committed.
    rig.group.put(0, 0..3);
    rig.turns(1);
    rig.pass(INTERVAL);
    rig.turns(1);
    rig.work("healer-commit");
    rig.turns(1);
    assert_eq!(rig.group.state().committed[&0], 3);
    // A partition that is revoked is given back.
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
fn nothing_that_may_pass_ends_a_pipeline_that_runs() {
    for kind in [BrokerErrorKind::Transient, BrokerErrorKind::Unreachable, BrokerErrorKind::UnknownTopic] {
        let mut rig = Rig::new();
        rig.group.set(|state| state.fails = Some(kind));
        rig.group.assign(&[0]);
        rig.turns(2);
        for _ in 0..24 {
            rig.answer_starts();
            rig.pass(Duration::from_hours(1));
            rig.turns(1);
            assert!(rig.end().is_none(), "{kind:?}");
        }
        rig.group.set(|state| state.fails = None);
        rig.answer_starts();
        assert_eq!(rig.group.told(), ["assign 0@0"], "{kind:?}");
    }
}

#[test]
fn a_broker_that_refuses_for_good_ends_it() {
    let mut rig = Rig::new();
    rig.group.set(|state| state.fails = Some(BrokerErrorKind::Fatal));
    rig.group.assign(&[0]);
    rig.turns(2);
    rig.answer_starts();
    rig.turns(1);
    assert!(matches!(rig.end(), Some(Err(Error::Broker(_)))));
}

/// Starts a pipeline that runs to the end offsets of now.
fn start(budget: &str, change: impl FnOnce(&mut State)) -> Result<Handle, Error> {
    let group = Group::default();
    group.set(change);
    let mut launch = launch(|config| config.start_budget(budget));
    launch.mode = Mode::UntilEnd;
    prepare(launch, &group, Arc::<Hands>::default() as _).map(|(_, handle)| handle)
}

#[test]
fn a_start_rides_out_brokers_that_are_not_ready() {
    // The topics, then the offsets and the ends of three partitions: whichever question is asked meanwhile.
    for not_ready in 1..4 {
        start("1h", |state| state.not_ready = not_ready).expect("they are ready soon");
    }
}

#[test]
fn a_start_that_gives_up_names_its_budget() {
    let error =
        start("10ms", |state| state.fails = Some(BrokerErrorKind::Transient)).err().expect("never ready");
    assert!(matches!(error, Error::NotReady(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("it fails") && text.contains("10ms (`start_budget`)"), "{text}");
    assert!(!text.contains("by itself"), "it has ended: {text}");
}

#[test]
fn a_start_waits_for_brokers_that_never_answered_no_longer_than_for_one_answer() {
    for kind in [BrokerErrorKind::Unreachable, BrokerErrorKind::NotAuthorized, BrokerErrorKind::Configuration]
    {
        let error = start("1h", |state| state.fails = Some(kind)).err().expect("it fails");
        assert!(!error.to_string().contains("start_budget"), "{error}");
    }
}

#[test]
fn without_an_id_of_the_cluster_nothing_is_kept_beyond_the_run() {
    let scopes = [(); 2].map(|()| {
        let mut rig = Rig::nameless().opened(&[0]);
        rig.group.put(0, 0..3);
        rig.turns(1);
        rig.pass(INTERVAL);
        rig.turns(1);
        rig.work("healer-commit");
        rig.work("healer-store");
        let scope = rig.handle.scope().clone();
        let store = Arc::clone(&rig.store);
        assert_eq!(Journal::scopes(&*store).expect("it reads"), [], "the user's store stays empty");
        scope
    });
    assert_ne!(scopes[0].cluster, scopes[1].cluster);
}

#[test]
fn what_is_kept_is_kept_under_the_id_of_the_cluster_and_the_group() {
    let mut rig = Rig::new().opened(&[0]);
    rig.group.put(0, 0..3);
    rig.turns(1);
    rig.pass(INTERVAL);
    rig.turns(1);
    rig.work("healer-store");
    let scope = Scope::new("cluster", "g", "driven");
    assert_eq!(
        (rig.handle.scope(), Journal::scopes(&*rig.store).expect("it reads")),
        (&scope, vec![scope.clone()])
    );
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
