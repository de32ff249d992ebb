//! A partition's whole life against a model that keeps one fact an offset: owners come and go, each takes over
//! the snapshot of its predecessor, and the topic may have become another one meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use healer_store::{Delivered, Ledger, MemoryStore, Run};
use proptest::prelude::*;

use crate::journal::{Loaded, PartitionSnapshot};

const END: i64 = 400;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many records, one by one.
    Deliver {
        count: usize,
    },
    /// Records without a gap between them, at most so many.
    DeliverRun {
        count: usize,
    },
    /// The record at this place among the pending ones, and as many after it as hang together.
    Settle {
        at: usize,
        count: usize,
    },
    SettleFirst,
    /// An outcome of an earlier generation.
    Stale {
        at: usize,
    },
    /// The consumer passes over a gap without a record.
    Advance,
    /// Another owner takes over; the fingerprint is known to it or not.
    TakeOver {
        fingerprint: bool,
    },
    /// The same, and the group's offset was moved back meanwhile.
    Rewind {
        by: i64,
    },
    /// The same, and the topic was made anew meanwhile.
    Recreate,
    /// The same, and meanwhile the log was cut so far above the frontier, and filled again.
    Cut {
        above: i64,
    },
    /// The partition gets another leader, and nothing is lost.
    Elect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_usize..8).prop_map(|count| Step::Deliver { count }),
        2 => (1_usize..8).prop_map(|count| Step::DeliverRun { count }),
        8 => (0_usize..40, 1_usize..4).prop_map(|(at, count)| Step::Settle { at, count }),
        2 => Just(Step::SettleFirst),
        1 => (0_usize..40).prop_map(|at| Step::Stale { at }),
        1 => Just(Step::Advance),
        2 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(|fingerprint| Step::TakeOver { fingerprint }),
        1 => (1_i64..5).prop_map(|by| Step::Rewind { by }),
        1 => Just(Step::Recreate),
        1 => (0_i64..12).prop_map(|above| Step::Cut { above }),
        1 => Just(Step::Elect),
    ]
}

/// The offsets that an earlier life claims as done above its frontier.
struct Claimed {
    frontier: i64,
    done: BTreeSet<i64>,
    /// The highest leader epoch that was read by then.
    read: Option<i32>,
}

/// The log and its outcomes, offset by offset.
struct World {
    /// How often the topic was made anew.
    incarnation: u64,
    /// Leader epochs, each with the offset at which it began.
    leaders: Vec<(i32, i64)>,
    elections: i32,
    /// Beyond all offsets that any life has read.
    end: i64,
    generation: u32,
    /// The offsets that have their outcome, in any life since the topic was made.
    done: BTreeSet<i64>,
    /// In this life: true while pending.
    delivered: BTreeMap<i64, bool>,
    /// The highest leader epoch of a record that was delivered.
    read: Option<i32>,
    /// The offsets that an earlier life proved done, once its fingerprint has matched; until a record of a leader comes that it
    /// never read.
    proven: Option<Claimed>,
    /// A claim that waits for its record.
    waiting: Option<Claimed>,
    position: i64,
}

impl World {
    /// The first offset from here on that holds a record.
    fn record(&self, from: i64) -> i64 {
        let mixed =
            |offset: i64| (offset.unsigned_abs() + 1).wrapping_mul(0x9e37_79b9 + self.incarnation) >> 7;
        (from..from + 1000).find(|&offset| mixed(offset) % 6 != 0).unwrap()
    }

    fn leader(&self, offset: i64) -> Option<i32> {
        self.leaders.iter().rev().find(|(_, began)| *began <= offset).map(|(epoch, _)| *epoch)
    }

    fn elect(&mut self, end: i64) {
        self.leaders.retain(|(_, began)| *began < end);
        self.elections += 1;
        self.end = end;
        self.leaders.push((self.elections, end));
    }

    /// Another record, another number.
    fn fingerprint(&self, offset: i64) -> u64 {
        let leader = self.leader(offset).unwrap_or_default().unsigned_abs();
        offset.unsigned_abs() ^ self.incarnation << 32 ^ u64::from(leader) << 48
    }

    fn pending(&self) -> Vec<i64> {
        self.delivered.iter().filter(|&(_, &pending)| pending).map(|(&offset, _)| offset).collect()
    }

    fn frontier(&self) -> i64 {
        self.pending().first().copied().unwrap_or(self.position)
    }

    /// The offsets that must be told as done: all that are not pending up to the position, and all proven ones above it.
    fn done_above(&self) -> BTreeSet<i64> {
        let frontier = self.frontier();
        let below = (frontier..self.position).filter(|offset| self.delivered.get(offset) != Some(&true));
        let proven = self.proven.iter().flat_map(|claim| &claim.done).copied();
        let from = self.position.max(frontier + 1);
        below.chain(proven.filter(|offset| *offset >= from)).collect()
    }

    fn deliver(&mut self, ledger: &mut Ledger) {
        let offset = self.record(self.position);
        if ledger.claim_to_verify().is_some() {
            let held = ledger.verify(offset, self.fingerprint(offset));
            // The model forgot the claims about other records: that stands for the fingerprint.
            self.proven = self.waiting.take().filter(|claim| claim.frontier == offset);
            assert_eq!(held, self.proven.is_some(), "offset {offset}");
        }
        self.waiting = None;
        let leader = self.leader(offset);
        self.read = self.read.max(leader);
        self.proven = self.proven.take().filter(|claim| claim.read >= leader);
        let known = ledger.deliver_known(offset, leader).unwrap() == Delivered::AlreadyDone;
        let proven = self.proven.as_ref().is_some_and(|claim| claim.done.contains(&offset));
        assert_eq!(known, proven, "offset {offset}");
        assert!(!known || self.done.contains(&offset), "{offset} would be skipped and was never done");
        self.delivered.insert(offset, !known);
        self.position = offset + 1;
        self.forget_spent();
    }

    /// Claims below the position are known from this life.
    fn forget_spent(&mut self) {
        let position = self.position;
        let is_left = |claim: &Claimed| claim.done.last().is_some_and(|last| *last >= position);
        self.proven = self.proven.take().filter(is_left);
    }

    fn settle(&mut self, ledger: &mut Ledger, at: usize, count: usize) {
        let pending = self.pending();
        let Some(&first) = pending.get(at % pending.len().max(1)) else { return };
        let end = (first..).take(count).take_while(|offset| self.delivered.get(offset) == Some(&true)).last();
        let end = end.unwrap() + 1;
        ledger.settle_run(self.generation, first, end).unwrap();
        assert!(ledger.settle(self.generation, first).is_err(), "{first} was settled twice");
        self.delivered.extend((first..end).map(|offset| (offset, false)));
        self.done.extend(first..end);
    }

    /// The snapshot as it comes back from a store, and the next owner's ledger.
    fn take_over(&mut self, ledger: &Ledger, fingerprint: bool, back: i64) -> Ledger {
        let frontier = self.frontier();
        let known = (fingerprint && ledger.first_pending().is_some()).then(|| self.fingerprint(frontier));
        let snapshot = PartitionSnapshot::of("t", 0, 1, ledger, known);
        let journal = crate::open(Arc::new(MemoryStore::default()), "p");
        journal.save(std::slice::from_ref(&snapshot), &[], &[]).unwrap();
        assert_eq!(journal.load("t", 0).unwrap(), Loaded::Found(snapshot.clone()));
        let waiting = self.waiting.take().filter(|claim| claim.frontier == self.position);
        let done = self.done_above();
        let read = self.read.max(self.proven.take().and_then(|claim| claim.read));
        let claimed = waiting.or_else(|| known.map(|_| Claimed { frontier, done, read }));
        self.waiting = claimed.filter(|claim| claim.frontier == frontier - back && !claim.done.is_empty());
        self.generation += 1;
        self.position = frontier - back;
        self.delivered.clear();
        self.read = None;
        match snapshot.claim() {
            Some(claim) => Ledger::resume(self.generation, self.position, claim),
            None => Ledger::new(self.generation, self.position),
        }
    }

    fn apply(&mut self, step: Step, ledger: &mut Ledger) {
        match step {
            Step::Deliver { count } => (0..count).for_each(|_| self.deliver(ledger)),
            Step::DeliverRun { count } => {
                let first = self.record(self.position);
                if ledger.has_claim() {
                    return self.deliver(ledger);
                }
                let end =
                    (first..).take(count).take_while(|&offset| self.record(offset) == offset).last().unwrap()
                        + 1;
                ledger.deliver_run(first, end).unwrap();
                ledger.read_epoch(self.leader(end - 1));
                self.read = self.read.max(self.leader(end - 1));
                self.delivered.extend((first..end).map(|offset| (offset, true)));
                self.position = end;
            }
            Step::Settle { at, count } => self.settle(ledger, at, count),
            Step::SettleFirst => self.settle(ledger, 0, usize::MAX),
            Step::Stale { at } => {
                let pending = self.pending();
                if let Some(&offset) = pending.get(at % pending.len().max(1)) {
                    assert!(ledger.settle(self.generation - 1, offset).is_err());
                }
            }
            Step::Advance => {
                let position = self.record(self.position);
                ledger.advance(position);
                if position > self.position {
                    // The record that would have proven it can not come any more.
                    self.waiting = None;
                }
                self.position = position;
                self.forget_spent();
            }
            Step::TakeOver { fingerprint } => *ledger = self.take_over(ledger, fingerprint, 0),
            Step::Rewind { by } => *ledger = self.take_over(ledger, true, by),
            Step::Recreate => {
                *ledger = self.take_over(ledger, true, 0);
                self.incarnation += 1;
                (self.leaders, self.elections) = (vec![(0, i64::MIN)], 0);
                self.done.clear();
                // Its records have other fingerprints: no claim can hold.
                self.waiting = None;
            }
            Step::Cut { above } => {
                *ledger = self.take_over(ledger, true, 0);
                let end = self.position + above;
                self.elect(end);
                self.done.retain(|offset| *offset < end);
                // The record at the frontier is another one.
                self.waiting = self.waiting.take().filter(|claim| claim.frontier < end);
            }
            Step::Elect => self.elect(self.end),
        }
    }

    fn check(&mut self, ledger: &Ledger) {
        self.end = self.end.max(self.position);
        let pending = self.pending();
        assert_eq!(ledger.pending(), pending.len() as u64);
        assert_eq!(ledger.first_pending(), pending.first().copied());
        assert_eq!(ledger.pending_runs().flat_map(|run| run.first..run.end).collect::<Vec<_>>(), pending);
        assert_eq!(ledger.frontier(), self.frontier());
        assert_eq!(ledger.position(), self.position);
        let above: Vec<Run> = ledger.done_above().collect();
        assert!(above.windows(2).all(|pair| pair[0].end < pair[1].first), "they touch: {above:?}");
        let offsets: BTreeSet<i64> = above.iter().flat_map(|run| run.first..run.end).collect();
        assert_eq!(offsets, self.done_above());
        // A gap holds no record, and records of a later leader are not meant; all others that are said to be done were done.
        let read = ledger.leader_epoch();
        let records =
            offsets.iter().filter(|&&offset| self.record(offset) == offset && self.leader(offset) <= read);
        assert!(records.into_iter().all(|offset| self.done.contains(offset)), "{offsets:?}");
        if !ledger.has_claim() {
            assert!(self.waiting.is_none() && self.proven.is_none());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_owner_ever_skips_what_no_owner_did(
        start in 5_i64..50,
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut world = World {
            incarnation: 1,
            leaders: vec![(0, i64::MIN)],
            elections: 0,
            end: start,
            generation: 1,
            done: BTreeSet::new(),
            delivered: BTreeMap::new(),
            read: None,
            proven: None,
            waiting: None,
            position: start,
        };
        let mut ledger = Ledger::new(1, start);
        for step in steps {
            if world.position < END {
                world.apply(step, &mut ledger);
                world.check(&ledger);
            }
        }
    }
}
