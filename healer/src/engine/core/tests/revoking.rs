use super::rig::{BUDGET, INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, moved, partition};
use crate::{
    broker::CommitErrorKind,
    engine::core::{Action, Event},
};

fn kinds(actions: &[Action]) -> Vec<&'static str> {
    let kind = |action: &Action| match action {
        Action::Commit(_) => "commit",
        Action::Save { .. } => "save",
        Action::Close(_) => "close",
        Action::Abort(_) => "abort",
        Action::Rewind { .. } => "rewind",
        Action::Release(_) => "release",
        Action::Flush(_) => "flush",
        Action::AskGroup(_) => "ask",
        Action::Finish => "finish",
    };
    actions.iter().map(kind).collect()
}

#[test]
fn a_revoked_partition_drains_then_commits_then_is_forgotten_and_released() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 2, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 5)]);
    assert_eq!(rig.step(Event::Revoked(vec![partition(0)])), [Action::Close(vec![0])]);
    assert_eq!((rig.core.credit(0), rig.core.credit(1)), (0, 100), "the others run on");
    assert!(rig.heal(0, 1, 4).is_empty());
    assert_eq!(commits(&rig.heal(0, 1, 3)), [[(0, 5)]]);
    assert!(rig.core.part(0).is_some(), "the generation is valid until the commit is known");
    assert_eq!(rig.acknowledge(), [Action::Abort(vec![0]), Action::Release(vec![partition(0)])]);
    assert!(rig.core.part(0).is_none());
    assert!(rig.home(0, 1).is_halted() && !rig.home(1, 2).is_halted());
    assert_eq!(rig.core.acknowledged.get(&partition(0)), Some(&5));
}

#[test]
fn a_drain_that_takes_too_long_commits_the_frontier_and_gives_back() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4), done(4, 5), moved(5, 6), done(6, 10)]);
    rig.step(Event::Revoked(vec![partition(0)]));
    assert!(rig.pass(just_before(BUDGET)).is_empty());
    assert_eq!(commits(&rig.pass(MILLI)), [[(0, 3)]]);
    assert_eq!(kinds(&rig.acknowledge()), ["abort", "release"]);
    rig.heal(0, 1, 3);
    assert_eq!(rig.core.tally.stale, 1);
}

#[test]
fn a_revoked_partition_is_released_within_bounds_even_if_no_commit_answers() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    rig.step(Event::Revoked(vec![partition(0)]));
    let mut order = Vec::new();
    for _ in 0..10_000 {
        order.extend(kinds(&rig.pass(MILLI)).into_iter().filter(|kind| *kind != "save"));
        if order.contains(&"release") {
            break;
        }
    }
    assert_eq!(order, ["commit", "abort", "release"]);
    assert!(rig.now <= BUDGET + 2 * SECOND, "{:?}", rig.now);
}

#[test]
fn a_request_from_before_the_drain_is_followed_by_one_for_the_rest() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 3)]]);
    rig.step(Event::Revoked(vec![partition(0)]));
    assert!(commits(&rig.heal(0, 1, 3)).is_empty());
    assert_eq!(commits(&rig.acknowledge()), [[(0, 4)]]);
    assert_eq!(kinds(&rig.acknowledge()), ["abort", "release"]);
}

#[test]
fn a_refused_commit_of_a_revoked_partition_is_tried_again_but_not_in_a_flood() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3)]);
    let mut requests = commits(&rig.step(Event::Revoked(vec![partition(0)]))).len();
    let mut asked = requests > 0;
    let mut released = false;
    for _ in 0..10_000 {
        let mut actions = if asked { rig.refuse(CommitErrorKind::Retriable) } else { Vec::new() };
        actions.extend(rig.pass(MILLI));
        asked = !commits(&actions).is_empty();
        requests += usize::from(asked);
        released |= kinds(&actions).contains(&"release");
    }
    assert!(released);
    assert!((2..=25).contains(&requests), "{requests} requests in {BUDGET:?}");
}

#[test]
fn a_refused_commit_is_tried_again_also_where_the_drain_took_all_the_budget() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    rig.step(Event::Revoked(vec![partition(0)]));
    assert_eq!(commits(&rig.pass(BUDGET)).len(), 1);
    rig.refuse(CommitErrorKind::Rebalancing);
    assert_eq!(commits(&rig.pass(SECOND / 2)), [[(0, 3)]]);
    assert_eq!(kinds(&rig.acknowledge()), ["abort", "release"]);
}

#[test]
fn a_revoked_partition_that_has_nothing_new_is_released_at_once() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(7)));
    rig.step(Event::Revoked(vec![partition(0), partition(5)]));
    let mut actions = Vec::new();
    for _ in 0..3 {
        actions.extend(rig.tick());
    }
    assert!(actions.contains(&Action::Release(vec![partition(0), partition(5)])), "{actions:?}");
    assert!(commits(&actions).is_empty());
}

#[test]
fn a_lost_partition_is_fenced_and_nothing_of_it_is_committed() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    let actions = rig.step(Event::Lost(vec![partition(0)]));
    assert_eq!(actions, [Action::Abort(vec![0]), Action::Release(vec![partition(0)])]);
    assert!(rig.home(0, 1).is_halted());
    rig.heal(0, 1, 3);
    assert!(commits(&rig.pass(INTERVAL)).is_empty());
    assert_eq!(rig.core.tally.stale, 1);
}

#[test]
fn a_partition_that_is_lost_while_it_drains_is_released_once_and_may_come_back() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 1)]);
    rig.step(Event::Revoked(vec![partition(0)]));
    assert_eq!(kinds(&rig.step(Event::Lost(vec![partition(0)]))), ["abort", "release"]);
    rig.assign(0, 2, at(Some(0)));
    rig.chunk(0, 2, &[moved(0, 1)]);
    let mut actions = Vec::new();
    for _ in 0..10 {
        actions.extend(rig.pass(SECOND));
    }
    assert!(rig.core.part(0).is_some(), "the revoke was of the old generation");
    assert!(!kinds(&actions).contains(&"release"), "{actions:?}");
    assert!(!rig.home(0, 2).is_halted());
}

#[test]
fn a_stop_while_a_partition_is_given_back_still_ends() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    rig.step(Event::Revoked(vec![partition(0)]));
    rig.step(Event::Stop);
    let mut all = Vec::new();
    for _ in 0..10 {
        let actions = rig.pass(SECOND);
        if !commits(&actions).is_empty() {
            all.extend(rig.acknowledge());
        }
        all.extend(actions);
    }
    assert!(all.contains(&Action::Finish), "{all:?}");
    assert_eq!(rig.core.acknowledged.get(&partition(0)), Some(&3));
}
