use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Desk, Home, Outcome, Reason, Receipt, Settled, fingerprint, places::InFlight};
use crate::lane::{End, Obligation, Visit};
use crate::{
    broker::{ReadHeaders, RecordRef, TopicPartition},
    context::Context,
    error::{Cause, Failure},
    record::Headers,
};

struct Room {
    desk: Arc<Desk>,
    home: Arc<Home>,
    context: Context,
}

impl Room {
    fn new() -> Self {
        Self::at(Arc::default(), 0)
    }

    fn at(desk: Arc<Desk>, slot: u32) -> Self {
        let topic: Arc<str> = "t".into();
        let partition = TopicPartition { topic: Arc::clone(&topic), partition: 0 };
        let home = Arc::new(Home::new(slot, 1, partition, Arc::clone(&desk)));
        Self { desk, home, context: Context::reusable(topic, 0) }
    }

    fn receipt(&self, offset: i64) -> Receipt {
        Receipt::one(Arc::clone(&self.home), InFlight::new(offset, 1, 0, None, 0))
    }

    fn batch(&self, offsets: std::ops::Range<i64>) -> Receipt {
        Receipt::many(offsets.map(|offset| self.receipt(offset)).collect())
    }

    /// The outcomes that came home since the last call, by offset.
    fn home_again(&self) -> Vec<(i64, Outcome)> {
        let mut settled = Vec::new();
        assert!(self.desk.collect(&mut settled).is_empty());
        let mut all: Vec<_> =
            settled.iter().map(|Settled { offset, outcome, .. }| (*offset, *outcome)).collect();
        all.sort_unstable();
        all
    }

    fn visit<R>(&mut self, offset: i64, nodes: impl FnOnce(&mut Visit<'_>) -> R) -> (R, End<'static>) {
        let record = RecordRef {
            slot: 0,
            offset,
            leader_epoch: None,
            timestamp: None,
            key: None,
            value: None,
            headers: &NoHeaders,
        };
        let claim = Obligation::Fresh { home: &self.home, record: &record };
        let mut visit = Visit::new(claim, &mut self.context, 1);
        let result = nodes(&mut visit);
        let end = match visit.finish(Ok(())) {
            End::Settled(outcome) => End::Settled(outcome),
            End::Moved => End::Moved,
            End::Failed(failure, _) => End::Failed(failure, Obligation::Gone),
        };
        (result, end)
    }
}

struct NoHeaders;

impl ReadHeaders for NoHeaders {
    fn read(&self, _: &mut Headers) {}
}

fn skipped(reason: &str) -> Outcome {
    Outcome::Skipped(Reason::new(reason))
}

#[test]
fn a_receipt_settles_its_record_once() {
    let room = Room::new();
    room.receipt(3).settle(Outcome::Healed);
    assert_eq!(room.home_again(), [(3, Outcome::Healed)]);
    assert!(room.home_again().is_empty());
}

#[test]
fn a_receipt_that_is_dropped_returns_its_record() {
    let room = Room::new();
    drop(room.receipt(3));
    drop(room.batch(4..6));
    let returned = Outcome::Returned;
    assert_eq!(room.home_again(), [(3, returned), (4, returned), (5, returned)]);
}

#[test]
fn a_record_that_went_several_ways_ends_with_the_last_and_as_the_highest() {
    let ends = [
        (vec![skipped("a"), Outcome::Healed, skipped("b")], Outcome::Healed),
        (vec![Outcome::Healed, Outcome::Healed], Outcome::Healed),
        (vec![Outcome::Healed, Outcome::Returned, Outcome::Healed], Outcome::Returned),
        (vec![skipped("a"), Outcome::Returned], Outcome::Returned),
        (vec![skipped("a"), skipped("a")], skipped("a")),
    ];
    for (outcomes, whole) in ends {
        let room = Room::new();
        let shares = room.receipt(3).into_shares();
        let parts: Vec<_> = outcomes.iter().map(|_| shares.share()).collect();
        shares.end(None);
        for (part, outcome) in parts.into_iter().zip(&outcomes) {
            assert!(room.home_again().is_empty(), "a share is still out");
            part.settle(*outcome);
        }
        assert_eq!(room.home_again(), [(3, whole)], "{outcomes:?}");
    }
}

#[test]
fn skips_of_different_reasons_end_as_one_of_them_whatever_the_order() {
    let room = Room::new();
    let mut ends = Vec::new();
    for order in [["x", "y"], ["y", "x"]] {
        let shares = room.receipt(3).into_shares();
        let parts = [shares.share(), shares.share()];
        shares.end(None);
        parts.into_iter().zip(order).for_each(|(part, reason)| part.settle(skipped(reason)));
        ends.extend(room.home_again());
    }
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn shares_that_are_dropped_return_the_record_also_where_every_other_share_healed() {
    let room = Room::new();
    let shares = room.receipt(3).into_shares();
    let part = shares.share();
    drop(shares);
    part.settle(Outcome::Healed);
    assert_eq!(room.home_again(), [(3, Outcome::Returned)]);
}

#[test]
fn shares_without_a_share_end_as_they_are_told() {
    let room = Room::new();
    room.receipt(3).into_shares().end(Some(Outcome::Healed));
    room.receipt(4).into_shares().end(None);
    room.receipt(5).into_shares().end(Some(skipped("none")));
    let returned = (4, Outcome::Returned);
    assert_eq!(room.home_again(), [(3, Outcome::Healed), returned, (5, skipped("none"))]);
}

#[test]
fn shares_of_shares_end_as_the_highest_of_all() {
    let room = Room::new();
    let outer = room.receipt(3).into_shares();
    let (left, right) = (outer.share(), outer.share());
    outer.end(None);
    let inner = right.into_shares();
    let (a, b) = (inner.share(), inner.share());
    inner.end(None);
    a.settle(skipped("a"));
    left.settle(skipped("left"));
    assert!(room.home_again().is_empty());
    b.settle(Outcome::Healed);
    assert_eq!(room.home_again(), [(3, Outcome::Healed)]);
}

#[test]
fn a_batch_settles_row_by_row_and_a_shared_batch_too() {
    let room = Room::new();
    let mut rows = room.batch(0..3).into_rows();
    rows.pop().expect("the last row").settle(skipped("odd"));
    drop(rows.pop());
    rows.pop().expect("the first row").settle(Outcome::Healed);
    assert_eq!(room.home_again(), [(0, Outcome::Healed), (1, Outcome::Returned), (2, skipped("odd"))]);

    let shares = room.batch(0..2).into_shares();
    let (left, right) = (shares.share(), shares.share());
    shares.end(None);
    left.settle(Outcome::Healed);
    let mut rows = right.into_rows();
    assert_eq!(rows.len(), 2, "a share of a batch is still one a row");
    rows.pop().expect("the last row").settle(skipped("odd"));
    assert_eq!(room.home_again(), [(1, Outcome::Healed)]);
    drop(rows);
    assert_eq!(room.home_again(), [(0, Outcome::Returned)]);
}

#[test]
fn an_empty_batch_owes_nothing() {
    let room = Room::new();
    Receipt::many(Vec::new()).settle(Outcome::Healed);
    let shares = Receipt::many(Vec::new()).into_shares();
    drop(shares.share());
    shares.end(Some(Outcome::Healed));
    assert!(room.home_again().is_empty());
}

#[test]
fn shares_on_many_threads_settle_once() {
    let room = Room::new();
    for offset in 0..200 {
        let shares = room.receipt(offset).into_shares();
        thread::scope(|scope| {
            for _ in 0..3 {
                let share = shares.share();
                scope.spawn(move || share.settle(Outcome::Healed));
            }
            shares.end(Some(skipped("first")));
        });
        assert_eq!(room.home_again(), [(offset, Outcome::Healed)]);
    }
}

#[test]
fn a_panic_while_a_receipt_is_held_returns_it() {
    let room = Room::new();
    let receipt = room.receipt(3);
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _held = receipt;
        panic!("user code");
    }));
    assert!(caught.is_err());
    assert_eq!(room.home_again(), [(3, Outcome::Returned)]);
}

#[test]
fn a_batch_runs_while_one_of_its_partitions_is_not_halted() {
    let desk = Arc::<Desk>::default();
    let (gone, live) = (Room::at(Arc::clone(&desk), 0), Room::at(desk, 1));
    let mixed = Receipt::many(vec![gone.receipt(1), live.receipt(2)]);
    let turned = Receipt::many(vec![live.receipt(8), gone.receipt(9)]);
    gone.home.halt(0);
    assert!(
        !mixed.is_halted() && !turned.is_halted(),
        "the rows of the partition that is still ours would come back without a reason"
    );
    assert!(gone.batch(3..5).is_halted());
    assert!(gone.receipt(6).is_halted());
    let shares = gone.receipt(7).into_shares();
    assert!(shares.share().is_halted());
    live.home.halt(2);
    assert!(mixed.is_halted());
    assert!(!Receipt::many(Vec::new()).is_halted());
}

#[test]
fn what_came_before_a_record_that_failed_may_still_end() {
    let room = Room::new();
    let (before, failed, after) = (room.receipt(6), room.receipt(7), room.receipt(8));
    failed.halt();
    assert!(room.home.is_halted(), "nothing is dispatched any more");
    assert!(!before.is_halted() && failed.is_halted() && after.is_halted());
    room.receipt(9).halt();
    assert!(after.is_halted(), "the lowest one counts");
    room.home.fence();
    assert!(before.is_halted());
}

#[test]
fn only_what_is_fenced_as_a_whole_is_nobody_s_business_any_more() {
    let desk = Arc::<Desk>::default();
    let (gone, live) = (Room::at(Arc::clone(&desk), 0), Room::at(desk, 1));
    let mixed = Receipt::many(vec![gone.receipt(1), live.receipt(2)]);
    gone.home.halt(0);
    assert!(!gone.receipt(3).is_fenced(), "it failed, and its reason is to be told");
    gone.home.fence();
    assert!(gone.receipt(3).is_fenced() && gone.home.is_halted());
    assert!(!mixed.is_fenced());
}

#[test]
fn a_place_is_known_while_a_record_is_away_and_kept_only_for_what_came_back() {
    let room = Room::new();
    assert!(room.home.place(3).is_none());
    let receipt = room.receipt(3);
    receipt.moved_to(9);
    assert_eq!(room.home.place(3).map(|place| place.node()), Some(9));
    receipt.settle(Outcome::Healed);
    room.home.tidy();
    assert!(room.home.place(3).is_none());
    drop(room.receipt(4));
    room.home.tidy();
    assert_eq!(room.home.place(4).map(|place| place.node()), Some(1));
}

#[test]
fn a_visit_that_heals_needs_no_receipt() {
    let mut room = Room::new();
    let ((), end) = room.visit(3, |visit| {
        visit.at(2);
        visit.heal();
    });
    assert!(matches!(end, End::Settled(Outcome::Healed)));
    assert!(room.home_again().is_empty(), "its chunk settles it");
    let ((), end) = room.visit(4, |visit| {
        visit.skip(Reason::new("a"));
        visit.heal();
        visit.skip(Reason::new("b"));
    });
    assert!(matches!(end, End::Settled(Outcome::Healed)));
}

#[test]
fn a_visit_that_nobody_ended_is_a_failure_at_the_last_node() {
    let mut room = Room::new();
    let ((), end) = room.visit(3, |visit| visit.at(8));
    let End::Failed(failure, _) = end else { panic!("it was lost") };
    let failed = failure.into_inner();
    assert_eq!((failed.node, matches!(failed.cause, Cause::Lost)), (8, true));
    assert!(room.home.is_halted(), "nothing is started after it");
}

#[test]
fn a_visit_whose_item_was_taken_is_over_when_the_taker_says_so() {
    let mut room = Room::new();
    let (receipt, end) = room.visit(3, |visit| visit.take(5));
    assert!(matches!(end, End::Moved));
    assert_eq!(room.home.place(3).map(|place| place.node()), Some(5));
    assert!(room.home_again().is_empty());
    receipt.settle(Outcome::Healed);
    assert_eq!(room.home_again(), [(3, Outcome::Healed)]);
}

#[test]
fn ways_that_end_here_and_ways_that_go_on_are_one_record() {
    let mut room = Room::new();
    let (receipt, end) = room.visit(3, |visit| {
        visit.shared(|visit| {
            let first = visit.take(5);
            visit.skip(Reason::new("second way"));
            first
        })
    });
    assert!(matches!(end, End::Moved));
    assert!(room.home_again().is_empty(), "the first way is still out");
    receipt.settle(skipped("first way"));
    assert_eq!(room.home_again().len(), 1);

    let (receipt, _) = room.visit(4, |visit| {
        visit.shared(|visit| {
            let first = visit.take(5);
            visit.heal();
            first
        })
    });
    receipt.settle(skipped("first way"));
    assert_eq!(room.home_again(), [(4, Outcome::Healed)]);
}

#[test]
fn a_way_that_fails_after_another_went_on_returns_the_record_once() {
    let room = Room::new();
    let record = RecordRef {
        slot: 0,
        offset: 3,
        leader_epoch: None,
        timestamp: None,
        key: None,
        value: None,
        headers: &NoHeaders,
    };
    let claim = Obligation::Fresh { home: &room.home, record: &record };
    let mut context = room.context.clone();
    let mut visit = Visit::new(claim, &mut context, 1);
    let share = visit.shared(|visit| visit.take(5));
    let failure: Failure = visit.failure(6, Cause::Lost);
    let end = visit.finish(Err(failure));
    let End::Failed(_, owed) = end else { panic!("it failed") };
    share.settle(Outcome::Healed);
    assert!(room.home_again().is_empty(), "first the reason is told");
    drop(owed);
    assert!(room.home.is_halted());
    assert_eq!(room.home_again(), [(3, Outcome::Returned)], "healed one way and failed another is not done");
}

#[test]
fn the_desk_wakes_whoever_waits() {
    let room = Room::new();
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            room.receipt(1).settle(Outcome::Healed);
        });
        room.desk.wait(Duration::from_mins(1));
    });
    assert!(began.elapsed() < Duration::from_secs(30));
    room.desk.wait(Duration::from_mins(1));
    assert!(began.elapsed() < Duration::from_secs(30), "what lies there is not waited for");
}

#[test]
fn who_waits_is_woken_by_a_batch_and_by_a_partition_that_need_not_rest_any_more() {
    let desk = Arc::new(Desk::new(16));
    let room = Room::at(Arc::clone(&desk), 0);
    let (began, short, long) = (Instant::now(), Duration::from_millis(20), Duration::from_mins(1));
    room.receipt(1).settle(Outcome::Healed);
    desk.wait(short);
    assert!(began.elapsed() >= short, "one of sixteen is no batch");
    room.receipt(2).settle(Outcome::Healed);
    desk.wait(long);
    desk.collect(&mut Vec::new());
    let receipt = room.receipt(3);
    drop(receipt.hold());
    receipt.settle(Outcome::DeadLettered);
    desk.wait(long);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_is_forgotten_stays_pending() {
    let room = Room::new();
    let shares = room.receipt(3).into_shares();
    mem::forget(shares.share());
    shares.end(Some(Outcome::Healed));
    assert!(room.home_again().is_empty(), "a share that nobody settles is never taken for healed");
}

#[test]
fn a_fingerprint_tells_records_apart_by_time_key_and_value() {
    let of = |timestamp, key, value| {
        fingerprint(&RecordRef {
            slot: 0,
            offset: 0,
            leader_epoch: None,
            timestamp,
            key,
            value,
            headers: &NoHeaders,
        })
    };
    let all: Vec<u64> = [
        (None, None, None),
        (Some(0), None, None),
        (None, Some(b"".as_slice()), None),
        (None, None, Some(b"".as_slice())),
        (None, Some(b"a".as_slice()), Some(b"b".as_slice())),
        (None, Some(b"ab".as_slice()), Some(b"".as_slice())),
        (None, Some(b"".as_slice()), Some(b"ab".as_slice())),
    ]
    .map(|(timestamp, key, value)| of(timestamp, key, value))
    .to_vec();
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(of(Some(5), Some(b"a"), None), of(Some(5), Some(b"a"), None));
}
