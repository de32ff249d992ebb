use super::rig::{INTERVAL, MILLI, Rig, SECOND, at, commits, done, just_before, moved, partition};
use crate::{
    broker::CommitErrorKind,
    engine::core::{Action, Event, Start},
    envelope::Outcome,
};

#[test]
fn a_commit_waits_for_its_interval_and_asks_for_the_frontiers() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(None));
    rig.assign(1, 2, at(Some(7)));
    assert!(commits(&rig.chunk(0, 1, &[done(0, 5), moved(5, 6), done(6, 9)])).is_empty());
    rig.chunk(1, 2, &[done(7, 8)]);
    assert!(commits(&rig.pass(just_before(INTERVAL))).is_empty());
    assert_eq!(commits(&rig.pass(MILLI)), [[(0, 5), (1, 8)]]);
    assert_eq!(rig.committed(0), None, "only an acknowledged commit is one");
    rig.acknowledge();
    assert_eq!((rig.committed(0), rig.committed(1)), (Some(5), Some(8)));
    assert_eq!(rig.core.take_news(), [(partition(0), 5), (partition(1), 8)]);
    assert!(rig.core.take_news().is_empty());
}

#[test]
fn one_request_is_in_flight_and_the_next_asks_for_all_that_was_done_meanwhile() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(None));
    rig.chunk(0, 1, &[done(0, 5)]);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 5)]]);
    for n in 5..9 {
        rig.chunk(0, 1, &[done(n, n + 1)]);
        assert!(commits(&rig.pass(INTERVAL)).is_empty(), "the first request is not answered yet");
    }
    assert_eq!(commits(&rig.acknowledge()), [[(0, 9)]]);
    assert_eq!(rig.committed(0), Some(5));
    rig.acknowledge();
    assert_eq!(rig.committed(0), Some(9));
    assert!(commits(&rig.pass(INTERVAL)).is_empty(), "there is nothing new to commit");
}

#[test]
fn a_commit_that_failed_is_tried_again_and_never_for_less() {
    for kind in [CommitErrorKind::Retriable, CommitErrorKind::Rebalancing] {
        let mut rig = Rig::new();
        rig.assign(0, 1, at(Some(0)));
        rig.chunk(0, 1, &[done(0, 5)]);
        assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 5)]]);
        assert!(commits(&rig.refuse(kind)).is_empty());
        assert_eq!(rig.committed(0), Some(0));
        rig.chunk(0, 1, &[done(5, 8)]);
        assert!(commits(&rig.pass(just_before(SECOND))).is_empty(), "a refusal is not answered by a flood");
        assert_eq!(commits(&rig.pass(MILLI)), [[(0, 8)]]);
        rig.acknowledge();
        assert_eq!(rig.committed(0), Some(8));
        assert_eq!((rig.core.tally.commits, rig.core.tally.commit_failures), (1, 1));
        assert!(rig.core.failure.is_none());
    }
}

#[test]
fn a_fenced_member_forgets_its_partitions_and_commits_nothing() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5), moved(5, 6)]);
    rig.pass(INTERVAL);
    let actions = rig.refuse(CommitErrorKind::Fenced);
    assert!(actions.contains(&Action::Abort(vec![0])), "{actions:?}");
    assert!(rig.core.part(0).is_none());
    assert!(rig.home(0, 1).is_halted());
    rig.heal(0, 1, 5);
    assert_eq!(rig.core.tally.stale, 1);
    assert!(commits(&rig.pass(INTERVAL)).is_empty());
    assert!(rig.core.is_running(), "whoever has the partitions now goes on with them");
}

#[test]
fn a_refusal_of_an_old_generation_does_not_take_the_new_one_away() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 5)]]);
    rig.step(Event::Lost(vec![partition(0)]));
    rig.assign(0, 2, at(Some(0)));
    let actions = rig.refuse(CommitErrorKind::Fenced);
    assert!(!actions.contains(&Action::Abort(vec![0])), "{actions:?}");
    assert!(rig.core.part(0).is_some(), "nobody would ever read the partition again");
    assert!(!rig.home(0, 2).is_halted());
}

#[test]
fn an_acknowledgement_of_an_old_generation_says_nothing_about_the_new_one() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    rig.pass(INTERVAL);
    rig.step(Event::Lost(vec![partition(0)]));
    rig.assign(0, 2, at(Some(0)));
    rig.acknowledge();
    assert_eq!(rig.committed(0), Some(0));
    assert!(rig.core.take_news().is_empty());
}

#[test]
fn a_refusal_for_good_ends_the_pipeline_with_the_broker_s_reason() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    rig.pass(INTERVAL);
    rig.refuse(CommitErrorKind::Fatal);
    let text = rig.core.failure.as_ref().expect("it failed").to_string();
    assert!(text.contains("refused"), "{text}");
    rig.acknowledge();
    rig.tick();
    assert!(rig.core.is_finished(), "nothing waits for a commit that can't succeed");
}

#[test]
fn what_was_never_delivered_is_never_committed() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(None));
    rig.assign(1, 2, at(Some(7)));
    rig.step(Event::Positions(&[(0, 0), (1, 7)]));
    assert!(commits(&rig.pass(INTERVAL)).is_empty());
    rig.step(Event::Positions(&[(1, 3)]));
    assert!(commits(&rig.pass(INTERVAL)).is_empty(), "a position below says nothing");
}

#[test]
fn a_position_that_markers_alone_moved_is_committed() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(None));
    rig.assign(1, 2, at(Some(7)));
    rig.step(Event::Positions(&[(0, 2), (1, 8)]));
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 2), (1, 8)]]);
}

#[test]
fn a_position_never_passes_what_is_pending() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 3), moved(3, 4)]);
    rig.step(Event::Positions(&[(0, 6)]));
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 3)]]);
    rig.acknowledge();
    rig.heal(0, 1, 3);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 6)]]);
}

#[test]
fn an_offset_that_was_chosen_is_committed_at_once_even_where_nothing_is_read() {
    let mut rig = Rig::new();
    let start = Start { commit: true, ..Start::at(42) };
    assert_eq!(commits(&rig.assign(0, 1, start)), [[(0, 42)]]);
    rig.acknowledge();
    assert_eq!(rig.committed(0), Some(42));
    assert!(commits(&rig.pass(INTERVAL)).is_empty(), "once is enough");
}

#[test]
fn a_chosen_offset_waits_for_the_request_under_way_only() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[done(0, 5)]);
    rig.pass(INTERVAL);
    let start = Start { commit: true, ..Start::at(42) };
    assert!(commits(&rig.assign(1, 2, start)).is_empty());
    assert_eq!(commits(&rig.acknowledge()), [[(1, 42)]]);
}

#[test]
fn gaps_in_a_chunk_never_block_the_frontier() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(10)));
    rig.chunk(0, 1, &[done(10, 11), moved(111, 112), done(112, 113), done(200, 202)]);
    assert_eq!(rig.frontier(0), 111);
    rig.heal(0, 1, 111);
    assert_eq!(rig.frontier(0), 202);
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 202)]]);
}

#[test]
fn only_what_changed_is_saved() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 2, at(Some(0)));
    assert!(rig.pass(INTERVAL).contains(&Action::Save(vec![0, 1])));
    rig.chunk(1, 2, &[moved(0, 1)]);
    assert!(rig.pass(INTERVAL).contains(&Action::Save(vec![1])), "its position moved");
    rig.settle(1, 2, 0, Outcome::Healed);
    assert!(rig.pass(INTERVAL).contains(&Action::Save(vec![1])), "its frontier moved");
}
