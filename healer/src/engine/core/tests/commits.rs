use super::rig::{INTERVAL, MILLI, Rig, SECOND, at, commits, done, in_topic, just_before, moved, partition};
use crate::{
    broker::CommitErrorKind,
    engine::core::{Action, CommitHealth, Event, Start},
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
    assert!(rig.pass(INTERVAL).contains(&Action::Save { number: None, slots: vec![0, 1] }));
    rig.chunk(1, 2, &[moved(0, 1)]);
    assert!(
        rig.pass(INTERVAL).contains(&Action::Save { number: None, slots: vec![1] }),
        "its position moved"
    );
    rig.settle(1, 2, 0, Outcome::Healed);
    assert!(
        rig.pass(INTERVAL).contains(&Action::Save { number: None, slots: vec![1] }),
        "its frontier moved"
    );
}

#[test]
fn a_topic_that_is_gone_stops_neither_the_pipeline_nor_the_commits_of_others() {
    let mut rig = Rig::new();
    for slot in 0..4 {
        // Slots 0 and 3 are of one topic, 1 and 2 of another.
        let topic = if slot % 3 == 0 { "t" } else { "gone" };
        rig.assign_in(topic, slot, slot + 1, at(Some(0)));
        rig.chunk(slot, slot + 1, &[done(0, 5)]);
    }
    let all = |rig: &Rig| [0, 1, 2, 3].map(|slot| rig.committed(slot).unwrap());
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 5), (1, 5), (2, 5), (3, 5)]]);
    // Which it is the broker does not say: each is asked for alone, without a pause.
    assert_eq!(commits(&rig.refuse(CommitErrorKind::UnknownTopic)), [[(0, 5)]]);
    assert_eq!(commits(&rig.acknowledge()), [[(1, 5)]]);
    // An answer about one partition of a topic holds for all.
    assert_eq!(commits(&rig.refuse(CommitErrorKind::UnknownTopic)), [[(3, 5)]]);
    assert!(commits(&rig.acknowledge()).is_empty());
    assert_eq!(all(&rig), [5, 0, 0, 5]);
    assert!(rig.core.is_running() && rig.core.failure.is_none());
    for slot in 0..4 {
        rig.chunk(slot, slot + 1, &[done(5, 6)]);
    }
    // The broker hears of a new topic a moment later than others: it is asked again after a while.
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 6), (1, 6), (2, 6), (3, 6)]]);
    rig.acknowledge();
    assert_eq!(all(&rig), [6, 6, 6, 6]);
}

#[test]
fn a_failure_of_another_kind_keeps_the_search_for_the_topic_going() {
    let mut rig = Rig::new();
    for slot in 0..2 {
        rig.assign_in(["t", "gone"][slot as usize], slot, slot + 1, at(Some(0)));
        rig.chunk(slot, slot + 1, &[done(0, 5)]);
    }
    rig.pass(INTERVAL);
    assert_eq!(commits(&rig.refuse(CommitErrorKind::UnknownTopic)), [[(0, 5)]]);
    assert!(commits(&rig.refuse(CommitErrorKind::Retriable)).is_empty());
    assert_eq!(commits(&rig.pass(SECOND)), [[(0, 5)]]);
    // The partition goes while it is asked for.
    rig.step(Event::Lost(vec![in_topic("t", 0)]));
    assert_eq!(commits(&rig.refuse(CommitErrorKind::UnknownTopic)), [[(1, 5)]]);
    assert!(commits(&rig.refuse(CommitErrorKind::UnknownTopic)).is_empty());
    assert_eq!(rig.committed(1), Some(0));
}

#[test]
fn nobody_waits_for_the_last_commit_to_a_topic_that_is_gone() {
    for stop in [false, true] {
        let mut rig = Rig::new();
        rig.assign(0, 1, at(Some(0)));
        rig.chunk(0, 1, &[done(0, 5)]);
        let event = if stop { Event::Stop } else { Event::Revoked(vec![partition(0)]) };
        let mut asked = commits(&rig.step(event));
        asked.extend(commits(&rig.tick()));
        assert_eq!(asked, [[(0, 5)]]);
        let actions = rig.refuse(CommitErrorKind::UnknownTopic);
        let end = if stop { Action::Finish } else { Action::Release(vec![partition(0)]) };
        assert!(actions.contains(&end), "{actions:?}");
    }
}

#[test]
fn failures_are_counted_until_a_commit_is_acknowledged() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    assert_eq!(rig.core.commits(rig.now), CommitHealth::default());
    rig.chunk(0, 1, &[done(0, 5)]);
    rig.pass(INTERVAL);
    for failures in 1..=3 {
        rig.refuse(CommitErrorKind::Retriable);
        let health = rig.core.commits(rig.now);
        assert_eq!((health.failures, health.error.as_deref()), (failures, Some("refused")));
        assert_eq!(commits(&rig.pass(SECOND)), [[(0, 5)]]);
    }
    rig.acknowledge();
    rig.pass(SECOND);
    let health = CommitHealth { last: Some(SECOND), total: 1, ..CommitHealth::default() };
    assert_eq!(rig.core.commits(rig.now), health);
}
