//! The ledger against the hard cases of consuming, one sentence a test.

use healer_store::ledger::{DeliverError, Delivered, DoneAbove, Ledger, Run, SettleError};

const G: u32 = 7;

fn done(ledger: &Ledger) -> Vec<Run> {
    ledger.done_above().collect()
}

#[test]
fn offset_gaps_never_block_the_frontier() {
    let mut ledger = Ledger::new(G, 5);
    assert_eq!(ledger.frontier(), 5);
    for offset in [10, 111, 112] {
        ledger.deliver(offset).unwrap();
    }
    assert_eq!((ledger.frontier(), ledger.pending()), (10, 3));
    ledger.settle(G, 10).unwrap();
    assert_eq!(ledger.frontier(), 111);
    ledger.settle(G, 112).unwrap();
    assert_eq!((ledger.frontier(), done(&ledger)), (111, vec![Run::new(112, 113)]));
    ledger.settle(G, 111).unwrap();
    assert_eq!((ledger.frontier(), ledger.position(), ledger.first_pending()), (113, 113, None));
}

#[test]
fn transaction_markers_move_the_frontier_only_when_nothing_is_pending() {
    let mut ledger = Ledger::new(G, 0);
    ledger.deliver(0).unwrap();
    ledger.advance(2);
    assert_eq!((ledger.frontier(), ledger.position()), (0, 2));
    ledger.settle(G, 0).unwrap();
    assert_eq!(ledger.frontier(), 2);
    ledger.advance(1);
    assert_eq!(ledger.frontier(), 2, "a position never goes back");
    ledger.advance(4);
    assert_eq!(ledger.frontier(), 4);
}

#[test]
fn a_revoked_partition_commits_the_lowest_pending_offset() {
    let mut ledger = Ledger::new(G, 0);
    ledger.deliver_run(0, 10).unwrap();
    for offset in [0, 1, 2, 4, 6, 7, 8, 9] {
        ledger.settle(G, offset).unwrap();
    }
    assert_eq!(ledger.frontier(), 3);
    assert_eq!(done(&ledger), [Run::new(4, 5), Run::new(6, 10)]);
    assert_eq!(ledger.pending_runs().collect::<Vec<_>>(), [Run::new(3, 4), Run::new(5, 6)]);
}

#[test]
fn a_late_result_of_another_generation_changes_nothing() {
    let mut ledger = Ledger::new(G, 0);
    ledger.deliver(0).unwrap();
    assert_eq!(ledger.settle(G - 1, 0), Err(SettleError::Stale { current: G, got: G - 1 }));
    assert_eq!((ledger.frontier(), ledger.pending()), (0, 1));
}

#[test]
fn nothing_is_settled_twice_nor_before_it_was_delivered() {
    let mut ledger = Ledger::new(G, 0);
    assert_eq!(ledger.settle(G, 0), Err(SettleError::NotPending { offset: 0 }));
    ledger.deliver_run(0, 10).unwrap();
    ledger.settle_run(G, 4, 6).unwrap();
    assert_eq!(ledger.settle(G, 4), Err(SettleError::NotPending { offset: 4 }));
    assert_eq!(ledger.settle_run(G, 2, 5), Err(SettleError::NotPending { offset: 4 }));
    assert_eq!(ledger.settle_run(G, 5, 8), Err(SettleError::NotPending { offset: 5 }));
    assert_eq!(ledger.settle_run(G, 8, 11), Err(SettleError::NotPending { offset: 10 }));
    assert_eq!(ledger.settle_run(G, 3, 3), Err(SettleError::EmptyRun { first: 3, end: 3 }));
    assert_eq!(ledger.settle(G, -1), Err(SettleError::NotPending { offset: -1 }));
    assert_eq!((ledger.pending(), done(&ledger)), (8, vec![Run::new(4, 6)]));
}

#[test]
fn an_offset_below_the_expected_one_asks_for_a_new_ledger() {
    let mut ledger = Ledger::new(G, 0);
    ledger.deliver_run(0, 10).unwrap();
    assert_eq!(ledger.deliver(9), Err(DeliverError::Regressed { expected: 10, got: 9 }));
    assert_eq!(ledger.deliver_run(12, 12), Err(DeliverError::EmptyRun { first: 12, end: 12 }));
    assert_eq!((ledger.position(), ledger.pending()), (10, 10));
}

#[test]
fn the_highest_offset_of_all_does_not_overflow() {
    let mut ledger = Ledger::new(G, i64::MAX - 1);
    ledger.deliver(i64::MAX - 1).unwrap();
    assert!(matches!(ledger.deliver(i64::MAX), Err(DeliverError::EmptyRun { .. })));
    assert!(matches!(ledger.settle(G, i64::MAX), Err(SettleError::EmptyRun { .. })));
    ledger.settle(G, i64::MAX - 1).unwrap();
    assert_eq!((ledger.frontier(), done(&ledger)), (i64::MAX, vec![]));
    let whole = Run::new(i64::MIN, i64::MAX);
    assert_eq!(whole.len(), u64::MAX);
}

#[test]
fn a_million_done_above_one_pending_record_cost_less_than_a_kilobyte() {
    let mut ledger = Ledger::new(G, 0);
    ledger.deliver(0).unwrap();
    for offset in 1..=1_000_000 {
        ledger.deliver(offset).unwrap();
        ledger.settle(G, offset).unwrap();
    }
    println!("a million done above one pending, one by one: {} bytes", ledger.size_in_bytes());
    assert!(ledger.size_in_bytes() < 1024);
    assert_eq!(done(&ledger), [Run::new(1, 1_000_001)]);

    // The same with a transaction marker after every hundred records.
    let mut ledger = Ledger::new(G, 0);
    ledger.deliver(0).unwrap();
    for first in (1..=1_000_000).step_by(101) {
        ledger.deliver_run(first, first + 100).unwrap();
        ledger.settle_run(G, first, first + 100).unwrap();
    }
    println!("the same with 10,000 transaction markers: {} bytes", ledger.size_in_bytes());
    assert!(ledger.size_in_bytes() < 1024);
}

#[test]
fn a_random_order_of_outcomes_ends_with_an_empty_ledger_of_its_first_size() {
    const N: i64 = 300_000;
    let mut ledger = Ledger::new(G, 0);
    let empty = ledger.size_in_bytes();
    ledger.deliver_run(0, N).unwrap();
    let mut order: Vec<i64> = (0..N).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for i in (1..order.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(i, usize::try_from(random >> 33).unwrap() % (i + 1));
    }
    let mut largest = 0;
    for (i, &offset) in order.iter().enumerate() {
        ledger.settle(G, offset).unwrap();
        if i % 1000 == 0 {
            largest = largest.max(ledger.size_in_bytes());
        }
    }
    println!("{N} records settled in random order: at most {largest} bytes");
    assert_eq!((ledger.frontier(), ledger.pending(), ledger.size_in_bytes()), (N, 0, empty));
}

fn claim() -> DoneAbove {
    DoneAbove {
        frontier: 10,
        fingerprint: 99,
        leader_epoch: None,
        runs: vec![Run::new(12, 14), Run::new(20, 21)],
    }
}

#[test]
fn a_verified_claim_skips_what_was_done_and_nothing_else() {
    let mut ledger = Ledger::resume(G, 10, claim());
    assert_eq!((ledger.claim_to_verify(), ledger.unverified()), (Some(10), Some(&claim())));
    assert!(ledger.verify(10, 99));
    assert_eq!((ledger.claim_to_verify(), ledger.has_claim()), (None, true));
    let mut fresh = Vec::new();
    for offset in 10..23 {
        if ledger.deliver_known(offset, None).unwrap() == Delivered::Fresh {
            fresh.push(offset);
        }
    }
    assert_eq!(fresh, [10, 11, 14, 15, 16, 17, 18, 19, 21, 22]);
    assert!(!ledger.has_claim());
    assert_eq!(ledger.pending(), 10);
    assert_eq!(done(&ledger), [Run::new(12, 14), Run::new(20, 21)]);
    assert_eq!(ledger.settle(G, 12), Err(SettleError::NotPending { offset: 12 }));
}

#[test]
fn a_second_restart_does_not_forget_what_the_first_one_proved() {
    let mut ledger = Ledger::resume(G, 10, claim());
    assert!(ledger.verify(10, 99));
    assert_eq!(ledger.deliver_known(10, None), Ok(Delivered::Fresh));
    assert_eq!(done(&ledger), claim().runs);
    assert_eq!(ledger.deliver_known(11, None), Ok(Delivered::Fresh));
    ledger.settle(G, 11).unwrap();
    assert_eq!(done(&ledger), [Run::new(11, 14), Run::new(20, 21)]);
    ledger.settle(G, 10).unwrap();
    // The frontier is 12, which is done but not delivered: no run may hold it.
    assert_eq!((ledger.frontier(), done(&ledger)), (12, vec![Run::new(13, 14), Run::new(20, 21)]));
}

#[test]
fn an_unverified_claim_skips_nothing() {
    let mut ledger = Ledger::resume(G, 10, claim());
    for offset in 10..25 {
        assert_eq!(ledger.deliver_known(offset, None), Ok(Delivered::Fresh));
    }
    assert!(!ledger.has_claim());
    assert_eq!(done(&ledger), []);
    let mut ledger = Ledger::resume(G, 10, claim());
    assert_eq!(ledger.deliver_known(12, None), Ok(Delivered::Fresh), "also where the claim has it as done");
}

#[test]
fn a_claim_ends_at_the_first_record_of_a_leader_that_its_owner_never_read() {
    let claim = || DoneAbove { leader_epoch: Some(3), ..claim() };
    let fresh = |leaders: &dyn Fn(i64) -> Option<i32>| {
        let mut ledger = Ledger::resume(G, 10, claim());
        assert!(ledger.verify(10, 99));
        let fresh =
            (10..22).filter(|offset| ledger.deliver_known(*offset, leaders(*offset)) == Ok(Delivered::Fresh));
        (fresh.collect::<Vec<_>>(), ledger.leader_epoch())
    };
    let skipped = |offset: &i64| ![12, 13, 20].contains(offset);
    assert_eq!(fresh(&|_| Some(3)), ((10..22).filter(skipped).collect(), Some(3)));
    assert_eq!(fresh(&|offset| Some(if offset < 13 { 1 } else { 2 })).0.len(), 9, "leaders before are known");
    // Cut at 13, or at 15 between the runs, and filled again.
    assert_eq!(
        fresh(&|offset| Some(if offset < 13 { 3 } else { 4 })),
        ((10..22).filter(|o| *o != 12).collect(), Some(4))
    );
    assert_eq!(
        fresh(&|offset| Some(if offset < 15 { 3 } else { 5 })).0,
        (10..22).filter(|o| ![12, 13].contains(o)).collect::<Vec<_>>()
    );
    assert_eq!(fresh(&|_| None).0.len(), 12, "a leader that is not told is not known");
}

#[test]
fn a_claim_that_is_gone_is_not_passed_on_under_the_new_leader() {
    let mut ledger = Ledger::resume(G, 10, DoneAbove { leader_epoch: Some(3), ..claim() });
    assert!(ledger.verify(10, 99));
    assert_eq!(ledger.deliver_known(10, Some(3)), Ok(Delivered::Fresh));
    assert_eq!((done(&ledger), ledger.leader_epoch()), (claim().runs, Some(3)));
    assert_eq!(ledger.deliver_known(11, Some(4)), Ok(Delivered::Fresh));
    assert_eq!((done(&ledger), ledger.leader_epoch()), (vec![], Some(4)));
    assert!(!ledger.has_claim());
}

#[test]
fn a_claim_that_does_not_fit_is_dropped() {
    let mut other_record = Ledger::resume(G, 10, claim());
    assert!(!other_record.verify(10, 98));
    assert!(!other_record.verify(10, 99), "a claim that failed once is gone");
    let mut other_first = Ledger::resume(G, 10, claim());
    assert!(!other_first.verify(12, 99));
    let mut moved_on = Ledger::resume(G, 10, claim());
    moved_on.deliver(12).unwrap();
    assert_eq!(moved_on.claim_to_verify(), None);
    assert!(!moved_on.verify(10, 99));
    assert!(!Ledger::resume(G, 9, claim()).has_claim());
    for runs in [vec![Run::new(10, 12)], vec![Run::new(14, 12)], vec![Run::new(12, 15), Run::new(14, 16)]] {
        assert!(!Ledger::resume(G, 10, DoneAbove { runs, ..claim() }).has_claim());
    }
    for mut ledger in [other_record, other_first] {
        assert_eq!(ledger.deliver_known(12, None), Ok(Delivered::Fresh));
    }
}
