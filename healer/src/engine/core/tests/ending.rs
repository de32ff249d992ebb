use super::rig::{
    BUDGET, INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, log, moved, some_error,
};
use crate::{
    broker::CommitErrorKind,
    context::Context,
    engine::core::{Action, Event},
    envelope::Outcome,
    error::Cause,
    lane::ChunkLog,
};

#[test]
fn stop_drains_then_commits_then_finishes() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 5)]);
    let actions = rig.step(Event::Stop);
    assert_eq!(actions, [Action::Flush(true), Action::Close(vec![0])]);
    assert_eq!(rig.core.credit(0), 0);
    assert!(rig.heal(0, 1, 4).is_empty());
    let actions = rig.heal(0, 1, 3);
    assert!(matches!(actions[0], Action::Abort(_)), "{actions:?}");
    assert_eq!(commits(&actions), [[(0, 5)]]);
    assert!(rig.tick().is_empty());
    assert_eq!(rig.acknowledge(), [Action::Finish]);
    assert!(rig.core.is_finished());
    assert!(rig.step(Event::Stop).is_empty());
}

#[test]
fn stop_waits_for_what_is_in_flight_no_longer_than_its_budget() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4), done(4, 9)]);
    rig.step(Event::Stop);
    assert!(rig.pass(just_before(BUDGET)).is_empty());
    let actions = rig.pass(MILLI);
    assert!(matches!(actions[0], Action::Abort(_)), "{actions:?}");
    assert_eq!(commits(&actions), [[(0, 3)]], "what hangs is not passed");
    assert_eq!(rig.acknowledge(), [Action::Finish]);
}

#[test]
fn a_commit_that_never_answers_does_not_keep_the_pipeline() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3)]);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 3)]]);
    rig.step(Event::Stop);
    let mut finished = None;
    for millis in 0..20_000 {
        if rig.pass(MILLI).contains(&Action::Finish) {
            finished = Some(millis);
            break;
        }
    }
    let bound = (BUDGET + SECOND).as_millis();
    assert!(finished.is_some_and(|at| at <= bound), "{finished:?}");
}

#[test]
fn a_last_commit_that_fails_is_tried_again_while_there_is_time() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3)]);
    assert_eq!(commits(&rig.step(Event::Stop)), [[(0, 3)]]);
    assert!(commits(&rig.refuse(CommitErrorKind::Retriable)).is_empty());
    assert_eq!(commits(&rig.pass(SECOND)), [[(0, 3)]]);
    assert_eq!(rig.acknowledge(), [Action::Finish]);
}

#[test]
fn with_nothing_to_commit_stop_finishes_at_once() {
    let mut rig = Rig::new();
    assert!(rig.step(Event::Stop).contains(&Action::Finish));
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(4)));
    assert!(rig.step(Event::Stop).contains(&Action::Finish));
}

#[test]
fn an_error_ends_the_pipeline_and_the_first_one_is_told() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    rig.step(Event::Failed(crate::error::Error::UnknownTopic("first".to_owned())));
    rig.step(Event::Failed(some_error()));
    assert_eq!(rig.core.failure.as_ref().map(ToString::to_string).as_deref(), Some("first"));
    rig.settle(0, 1, 3, Outcome::Returned);
    assert_eq!(rig.acknowledge(), [Action::Finish]);
    assert_eq!(rig.core.acknowledged.values().copied().collect::<Vec<_>>(), [3]);
}

#[test]
fn what_came_back_is_not_waited_for_and_all_else_is() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    // 2 failed on the poll thread after a share of it had left; the share comes back later.
    let context = Context::reusable("t".into(), 0);
    let failure = Some(context.failure(1, Cause::Lost));
    let chunk = ChunkLog { failure, ..log(&[moved(0, 3)]) };
    rig.step(Event::Chunk { slot: 0, generation: 1, log: &chunk, leader_epoch: None, delivered: false });
    rig.step(Event::Failed(some_error()));
    assert!(rig.settle(0, 1, 2, Outcome::Returned).is_empty());
    assert!(rig.heal(0, 1, 0).is_empty(), "1 is still under way: one record that came back counts once");
    let actions = rig.heal(0, 1, 1);
    assert_eq!(commits(&actions), [[(0, 2)]]);
}

#[test]
fn no_partition_takes_more_once_it_ends() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 1)]);
    rig.step(Event::Stop);
    rig.step(Event::Positions(&[(0, 50)]));
    let actions = rig.heal(0, 1, 0);
    assert_eq!(commits(&actions), [[(0, 1)]], "what was read after the stop was thrown away");
}
