use super::rig::{INTERVAL, MILLI, Rig, SECOND, at, commits, done, log, moved, partition};
use crate::{
    context::Context,
    engine::core::Event,
    envelope::{Outcome, Reason},
    error::{Cause, Error, RecordErrorKind},
    lane::ChunkLog,
};

#[test]
fn a_record_that_is_settled_twice_counts_once() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 2)]);
    rig.heal(0, 1, 0);
    rig.heal(0, 1, 0);
    rig.settle(0, 1, 0, Outcome::Skipped(Reason::new("twice")));
    assert_eq!((rig.core.tally.healed, rig.core.tally.stale), (1, 2));
    assert!(rig.core.tally.skipped.is_empty());
    assert_eq!(rig.frontier(0), 1);
}

#[test]
fn an_outcome_for_a_record_that_was_never_delivered_changes_nothing() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.heal(0, 1, 3);
    rig.heal(9, 1, 3);
    assert_eq!((rig.frontier(0), rig.core.tally.healed, rig.core.tally.stale), (0, 0, 2));
}

#[test]
fn what_a_fenced_generation_still_does_changes_nothing_and_is_counted() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 3)]);
    rig.step(Event::Lost(vec![partition(0)]));
    rig.assign(0, 2, at(Some(0)));
    rig.chunk(0, 2, &[moved(0, 3)]);
    rig.heal(0, 1, 0);
    rig.settle(0, 1, 1, Outcome::Returned);
    rig.chunk(0, 1, &[done(3, 5)]);
    assert_eq!(rig.frontier(0), 0, "the old generation's results are not the new one's");
    assert_eq!((rig.core.tally.healed, rig.core.tally.stale), (0, 4));
    rig.pass(10 * SECOND);
    assert!(rig.core.failure.is_none(), "what an old generation returns is nobody's loss");
}

#[test]
fn skips_are_counted_by_reason() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let (late, early) = (Reason::new("late"), Reason::new("early"));
    let chunk = ChunkLog { skipped: vec![(late, 2)], ..log(&[done(0, 2), moved(2, 4)]) };
    let chunk = ChunkLog { healed: 0, ..chunk };
    rig.step(Event::Chunk { slot: 0, generation: 1, log: &chunk, leader_epoch: None, delivered: false });
    rig.settle(0, 1, 2, Outcome::Skipped(late));
    rig.settle(0, 1, 3, Outcome::Skipped(early));
    assert_eq!(rig.core.tally.skipped.get(&late), Some(&3));
    assert_eq!(rig.core.tally.skipped.get(&early), Some(&1));
    assert_eq!(rig.frontier(0), 4);
}

#[test]
fn a_record_that_comes_back_without_a_word_fails_at_the_node_it_was_at() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let receipt = rig.receipt(0, 1, 0, 7);
    rig.chunk(0, 1, &[moved(0, 1)]);
    drop(receipt);
    rig.collect();
    rig.pass(499 * MILLI);
    assert!(rig.core.failure.is_none(), "the reason may be on its way");
    rig.pass(MILLI);
    let Some(Error::Record(error)) = &rig.core.failure else { panic!("{:?}", rig.core.failure) };
    assert_eq!((error.stage.as_str(), error.offset, &error.kind), ("node 7", 0, &RecordErrorKind::Lost));
    assert_eq!(rig.frontier(0), 0);
}

#[test]
fn a_record_that_comes_back_with_a_word_fails_with_it() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 1)]);
    rig.settle(0, 1, 0, Outcome::Returned);
    rig.step(Event::Failed(super::rig::some_error()));
    rig.pass(SECOND);
    assert!(matches!(rig.core.failure, Some(Error::Broker(_))), "{:?}", rig.core.failure);
}

#[test]
fn a_partition_takes_no_more_than_its_bound() {
    let mut rig = Rig::new();
    assert_eq!(rig.core.credit(0), 0, "nothing is assigned");
    rig.assign(0, 1, at(Some(0)));
    rig.assign(1, 2, at(Some(0)));
    rig.chunk(0, 1, &[moved(0, 60), done(60, 80)]);
    assert_eq!((rig.core.credit(0), rig.core.credit(1)), (40, 100));
    rig.chunk(0, 1, &[moved(80, 125)]);
    assert_eq!(rig.core.credit(0), 0, "what a flat stage had begun may go beyond");
    rig.heal(0, 1, 3);
    rig.settle(0, 1, 4, Outcome::Returned);
    assert_eq!(rig.core.credit(0), 0, "what came back is still pending");
}

#[test]
fn the_record_that_failed_on_the_poll_thread_holds_the_frontier() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let context = Context::reusable("t".into(), 0);
    let failure = Some(context.failure(1, Cause::Lost));
    let chunk = ChunkLog { failure, ..log(&[done(0, 4), moved(4, 5)]) };
    rig.step(Event::Chunk { slot: 0, generation: 1, log: &chunk, leader_epoch: None, delivered: false });
    assert_eq!(commits(&rig.pass(INTERVAL)), [[(0, 4)]]);
}

#[test]
fn what_blocks_a_partition_is_named_with_its_node_and_for_how_long() {
    let mut rig = Rig::new();
    rig.assign(0, 1, at(Some(0)));
    let _receipts = [rig.receipt(0, 1, 1, 3), rig.receipt(0, 1, 2, 4)];
    rig.chunk(0, 1, &[done(0, 1), moved(1, 3), done(3, 9)]);
    rig.pass(2 * SECOND);
    let status = rig.core.status(rig.now).remove(0);
    assert_eq!((status.frontier, status.position, status.pending), (1, 9, 2));
    let blocked = status.blocked.expect("1 is in the way");
    assert_eq!((blocked.offset, &*blocked.stage, blocked.lasting), (1, "node 3", 2 * SECOND));
    rig.heal(0, 1, 1);
    let blocked = rig.core.status(rig.now).remove(0).blocked.expect("2 is in the way");
    assert_eq!((blocked.offset, &*blocked.stage, blocked.lasting.as_millis()), (2, "node 4", 0));
}
