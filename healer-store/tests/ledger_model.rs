//! The ledger and the offset map against models that are too simple to be wrong.

use std::collections::BTreeMap;

use healer_store::ledger::{Delivered, DoneAbove, Ledger, Run};
use healer_store::offset_map::{self, OffsetMapError};
use proptest::prelude::*;

const G: u32 = 1;

/// Every offset below the position: true while it is pending. An offset that the log skipped is not pending.
struct Model {
    start: i64,
    pending: BTreeMap<i64, bool>,
    position: i64,
}

impl Model {
    fn is_pending(&self, offset: i64) -> bool {
        self.pending.get(&offset).copied().unwrap_or(false)
    }

    fn frontier(&self) -> i64 {
        (self.start..self.position).find(|&offset| self.is_pending(offset)).unwrap_or(self.position)
    }

    fn done_above(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for offset in self.frontier()..self.position {
            match runs.last_mut() {
                _ if self.is_pending(offset) => {}
                Some(run) if run.end == offset => run.end += 1,
                _ => runs.push(Run::new(offset, offset + 1)),
            }
        }
        runs
    }
}

#[derive(Clone, Debug)]
enum Step {
    Deliver { gap: i64, length: i64 },
    Settle { at: i64, length: i64 },
    SettleFirst { length: i64 },
    Advance { by: i64 },
    Stale { at: i64 },
    Regress { by: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop_oneof![3 => Just(0_i64), 1 => 1_i64..20], 1_i64..12)
            .prop_map(|(gap, length)| Step::Deliver { gap, length }),
        5 => (0_i64..200, 1_i64..5).prop_map(|(at, length)| Step::Settle { at, length }),
        3 => (1_i64..12).prop_map(|length| Step::SettleFirst { length }),
        1 => (-5_i64..10).prop_map(|by| Step::Advance { by }),
        1 => (0_i64..200).prop_map(|at| Step::Stale { at }),
        1 => (1_i64..10).prop_map(|by| Step::Regress { by }),
    ]
}

fn settle(ledger: &mut Ledger, model: &mut Model, first: i64, length: i64) {
    let all = (first..first + length).all(|offset| model.is_pending(offset));
    let settled =
        if length == 1 { ledger.settle(G, first) } else { ledger.settle_run(G, first, first + length) };
    assert_eq!(settled.is_ok(), all, "{settled:?}");
    if all {
        model.pending.extend((first..first + length).map(|offset| (offset, false)));
    }
}

fn apply(step: &Step, ledger: &mut Ledger, model: &mut Model) {
    match *step {
        Step::Deliver { gap, length } => {
            let first = model.position + gap;
            if length == 1 {
                ledger.deliver(first).unwrap();
            } else {
                ledger.deliver_run(first, first + length).unwrap();
            }
            model.pending.extend((first..first + length).map(|offset| (offset, true)));
            model.position = first + length;
        }
        Step::Settle { at, length } => settle(ledger, model, model.start + at, length),
        Step::SettleFirst { length } => settle(ledger, model, model.frontier(), length),
        Step::Advance { by } => {
            ledger.advance(model.position + by);
            model.position += by.max(0);
        }
        Step::Stale { at } => assert!(ledger.settle(G + 1, model.start + at).is_err()),
        Step::Regress { by } => assert!(ledger.deliver(model.position - by).is_err()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_agrees_with_a_naive_model_after_every_step(
        start in prop_oneof![Just(0_i64), -50_i64..50],
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut ledger = Ledger::new(G, start);
        let mut model = Model { start, pending: BTreeMap::new(), position: start };
        for step in &steps {
            apply(step, &mut ledger, &mut model);
            let pending: Vec<i64> =
                model.pending.iter().filter(|&(_, &pending)| pending).map(|(&offset, _)| offset).collect();
            prop_assert_eq!(ledger.pending(), pending.len() as u64);
            prop_assert_eq!(ledger.first_pending(), pending.first().copied());
            prop_assert_eq!(ledger.frontier(), model.frontier());
            prop_assert_eq!(ledger.position(), model.position);
            let listed: Vec<i64> = ledger.pending_runs().flat_map(|run| run.first..run.end).collect();
            prop_assert_eq!(&listed, &pending);
            let done: Vec<Run> = ledger.done_above().collect();
            prop_assert_eq!(&done, &model.done_above());
            let map = offset_map::encode(ledger.frontier(), done.iter().copied()).unwrap();
            if !done.is_empty() {
                prop_assert!(map.len() as u64 <= ledger.map_bytes_at_most(), "{} {:?}", map.len(), done);
            }
            prop_assert_eq!(offset_map::decode(ledger.frontier(), &map).unwrap(), done);
        }
    }

    #[test]
    fn a_claim_skips_exactly_what_it_says_and_only_once_it_is_verified(
        pieces in proptest::collection::vec((1_i64..5, 1_i64..5), 0..12),
        gaps in proptest::collection::vec(prop_oneof![4 => Just(0_i64), 1 => 1_i64..4], 60),
        fingerprint in 0_u64..2,
        settle in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let frontier = 100;
        let mut end = frontier;
        let mut runs = Vec::new();
        for (gap, length) in pieces {
            runs.push(Run::new(end + gap, end + gap + length));
            end += gap + length;
        }
        let claimed = |offset| runs.iter().any(|run: &Run| run.contains(offset));
        let done = DoneAbove { frontier, fingerprint: 1, leader_epoch: None, runs: runs.clone() };
        let mut ledger = Ledger::resume(G, frontier, done);
        let verified = ledger.verify(frontier + gaps[0], fingerprint);
        prop_assert_eq!(verified, gaps[0] == 0 && fingerprint == 1 && !runs.is_empty());
        for (gap, settle) in gaps.into_iter().zip(settle) {
            let offset = ledger.position() + gap;
            let known = ledger.deliver_known(offset, None).unwrap() == Delivered::AlreadyDone;
            prop_assert_eq!(known, verified && claimed(offset), "offset {}", offset);
            if settle && !known {
                ledger.settle(G, offset).unwrap();
            }
            let above: Vec<Run> = ledger.done_above().collect();
            let (frontier, position) = (ledger.frontier(), ledger.position());
            prop_assert!(above.iter().all(|run| run.first > frontier && !run.is_empty()));
            prop_assert!(above.windows(2).all(|pair| pair[0].end < pair[1].first), "{:?}", above);
            for offset in position.max(frontier + 1)..position + 60 {
                let kept = above.iter().any(|run| run.contains(offset));
                prop_assert_eq!(kept, verified && claimed(offset), "offset {} of {:?}", offset, above);
            }
        }
    }

    #[test]
    fn no_map_is_larger_than_the_ledger_says(
        pieces in proptest::collection::vec(
            (prop_oneof![9 => 1_i64..4, 3 => 1_i64..300, 1 => 1_i64..1 << 40],
             prop_oneof![9 => 1_i64..4, 3 => 1_i64..300, 1 => 1_i64..1 << 40]),
            1..200,
        ),
    ) {
        let mut ledger = Ledger::new(G, 0);
        for (pending, done) in pieces {
            let first = ledger.position();
            ledger.deliver_run(first, first + pending).unwrap();
            ledger.advance(first + pending + done);
        }
        let map = offset_map::encode(ledger.frontier(), ledger.done_above()).unwrap();
        prop_assert!(map.len() as u64 <= ledger.map_bytes_at_most(), "{} > {}", map.len(), ledger.map_bytes_at_most());
    }

    #[test]
    fn an_offset_map_reads_back_as_it_was_written(
        frontier in prop_oneof![Just(0_i64), any::<i64>()],
        pieces in proptest::collection::vec(
            (prop_oneof![9 => 1_u64..4, 1 => 1_u64..1 << 40], prop_oneof![9 => 1_u64..4, 1 => 1_u64..1 << 40]),
            0..300,
        ),
    ) {
        let mut end = frontier;
        let mut runs = Vec::new();
        for (gap, length) in pieces {
            let Some(first) = end.checked_add_unsigned(gap) else { break };
            let Some(next) = first.checked_add_unsigned(length) else { break };
            runs.push(Run::new(first, next));
            end = next;
        }
        let map = offset_map::encode(frontier, runs.iter().copied()).unwrap();
        prop_assert_eq!(offset_map::decode(frontier, &map).unwrap(), runs);
    }

    #[test]
    fn hostile_bytes_give_an_error_or_runs_above_the_frontier(
        frontier in prop_oneof![Just(0_i64), Just(i64::MAX), Just(i64::MAX - 20), any::<i64>()],
        kind in prop_oneof![Just(0x11_u8), Just(0x12), any::<u8>()],
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = vec![kind];
        bytes.extend(rest);
        if let Ok(runs) = offset_map::decode(frontier, &bytes) {
            let mut end = frontier;
            for run in &runs {
                prop_assert!(run.first > end && run.end > run.first);
                end = run.end;
            }
            prop_assert_eq!(offset_map::decode(frontier, &offset_map::encode(frontier, runs.clone()).unwrap()), Ok(runs));
        }
    }
}

#[test]
fn a_pattern_that_alternates_is_smaller_as_a_bit_set() {
    let every_second = (0..1000).map(|i| Run::new(2 * i + 1, 2 * i + 2));
    let map = offset_map::encode(0, every_second.clone()).unwrap();
    assert_eq!((map[0], map.len()), (0x12, 1 + 250));
    assert_eq!(offset_map::decode(0, &map).unwrap(), every_second.collect::<Vec<_>>());
    let long = offset_map::encode(0, [Run::new(1, 1_000_001)]).unwrap();
    assert_eq!((long[0], long.len()), (0x11, 1 + 1 + 3));
}

#[test]
fn a_run_at_the_other_end_of_all_offsets_reads_back() {
    let far = [Run::new(i64::MAX - 1, i64::MAX)];
    assert_eq!(offset_map::decode(i64::MIN, &offset_map::encode(i64::MIN, far).unwrap()).unwrap(), far);
    let long = [Run::new(i64::MIN + 1, i64::MAX)];
    assert_eq!(offset_map::decode(i64::MIN, &offset_map::encode(i64::MIN, long).unwrap()).unwrap(), long);
}

#[test]
fn runs_that_touch_become_one_and_runs_that_do_not_ascend_are_refused() {
    let map = offset_map::encode(0, [Run::new(1, 3), Run::new(3, 5)]).unwrap();
    assert_eq!(offset_map::decode(0, &map).unwrap(), [Run::new(1, 5)]);
    for runs in [
        vec![Run::new(0, 1)],
        vec![Run::new(-4, 1)],
        vec![Run::new(2, 2)],
        vec![Run::new(1, 5), Run::new(4, 6)],
        vec![Run::new(1, 5), Run::new(5, 5)],
    ] {
        assert_eq!(offset_map::encode(0, runs), Err(OffsetMapError::NotAscending { frontier: 0 }));
    }
}

#[test]
fn maps_beyond_the_limits_are_cut_or_refused() {
    let many =
        (0..i64::try_from(offset_map::MAX_RUNS).unwrap() + 100).map(|i| Run::new(1000 * i + 1, 1000 * i + 2));
    let map = offset_map::encode(0, many.clone()).unwrap();
    let kept: Vec<Run> = many.take(offset_map::MAX_RUNS).collect();
    assert_eq!(offset_map::decode(0, &map).unwrap(), kept);
    // Alternating bits: as many runs as a map of the greatest length can name.
    let mut bits = vec![0xaa; offset_map::MAX_BYTES];
    bits[0] = 0x12;
    assert_eq!(offset_map::decode(0, &bits), Err(OffsetMapError::TooManyRuns));
    bits[0] = 0x11;
    bits[1..].fill(0);
    assert_eq!(offset_map::decode(0, &bits), Err(OffsetMapError::TooManyRuns));
    bits.push(0);
    assert!(matches!(offset_map::decode(0, &bits), Err(OffsetMapError::TooLong { .. })));
    assert_eq!(offset_map::decode(0, &[]), Err(OffsetMapError::Empty));
    assert_eq!(offset_map::decode(0, &[0x13]), Err(OffsetMapError::UnknownKind { kind: 0x13 }));
    assert_eq!(offset_map::decode(0, &[0x11, 0x80]), Err(OffsetMapError::Number { at: 0 }));
    assert_eq!(offset_map::decode(i64::MAX, &[0x11, 0, 0]), Err(OffsetMapError::Overflow));
    assert_eq!(offset_map::decode(i64::MAX - 1, &[0x12, 1]), Err(OffsetMapError::Overflow));
    assert_eq!(offset_map::decode(0, &[0x12, 1, 0]), Err(OffsetMapError::NotCanonical));
}
