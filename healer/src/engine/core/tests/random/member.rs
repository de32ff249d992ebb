//! The life of a member of the group: it is assigned, reads, runs chunks and tasks, and goes back where its log did.

use std::collections::BTreeSet;

use healer_store::Delivered;

use super::{
    super::rig::{Rig, at, partition, said},
    log::{END, Record, key},
    world::{Generation, Task, World},
};
use crate::{
    broker::Watermarks,
    config::OutOfRange,
    engine::core::{Event, Known, Start, StartPolicy, decide},
    envelope::{Outcome, Reason},
    lane::Run,
};

impl World {
    pub(super) fn assign(&mut self, slot: u32) {
        if self.live.contains_key(&slot) || !self.rig.core.is_running() {
            return;
        }
        if let Some((cut, _)) = self.cut.remove(&slot) {
            // Nobody can know that the log was cut meanwhile: somebody resets the group's offset.
            self.committed.entry(slot).and_modify(|(offset, text)| {
                *offset = cut.min(*offset);
                text.clear();
            });
        }
        let store = self.random.below(2);
        self.stores.insert(slot, store);
        let start = match self.committed.get(&slot) {
            None if self.random.one_in(4) => Start { commit: true, ..at(None) },
            known => self.decide(slot, store, known),
        };
        self.seen.stale += u32::from(start.is_stale);
        let said_by_commit =
            self.committed.get(&slot).and_then(|(offset, text)| said(text, *offset, slot)?.claim);
        self.seen.rows += u32::from(start.claim.is_some() && said_by_commit.is_none());
        let number = self.begin(slot, start.offset);
        let actions = self.rig.assign(slot, number, start);
        self.carry_out(actions);
    }

    fn decide(&self, slot: u32, store: u64, committed: Option<&(i64, String)>) -> Start {
        let known = Known {
            committed: committed.map(|(offset, _)| *offset),
            watermarks: Watermarks { first: 0, stable: END, end: END },
            wanted: None,
            millis: None,
            snapshot: self.rows.get(&(store, slot)).cloned(),
            metadata: committed.and_then(|(offset, text)| said(text, *offset, slot)),
        };
        let start = decide(&partition(slot), known, StartPolicy::Earliest, OutOfRange::Error);
        start.expect("it is in range")
    }

    /// The user goes back with a partition, or begins again where it stands.
    pub(super) fn seek(&mut self, slot: u32) {
        let Some(part) = self.rig.core.part(slot).filter(|part| part.is_open()) else { return };
        if self.cut.contains_key(&slot) {
            return;
        }
        let frontier = part.ledger.frontier().unsigned_abs();
        let to = if self.random.one_in(2) { frontier } else { self.random.below(frontier + 1) };
        let to = i64::try_from(to).expect("small");
        let old = self.live.remove(&slot);
        let number = self.begin(slot, to);
        let actions = self.rig.restart(slot, number, Start::sought(to, None));
        if self.rig.core.part(slot).is_some_and(|part| part.home.generation == number) {
            self.seen.seeks += 1;
            self.sought.insert(slot, (to, number));
        } else {
            self.live.extend(old.map(|old| (slot, old)));
        }
        self.carry_out(actions);
    }

    /// An admin sets the offset of a group that does not run, also to where it stands, or deletes the group.
    pub(super) fn reset(&mut self, slot: u32) {
        let asked = self.under_way.iter().flatten().any(|entry| entry.slot == slot);
        if asked || self.live.contains_key(&slot) || self.cut.contains_key(&slot) {
            return;
        }
        let Some((offset, _)) = self.committed.remove(&slot) else { return };
        let to = match self.random.below(4) {
            0 => None,
            1 => i64::try_from(self.random.below(offset.unsigned_abs() + 1)).ok(),
            _ => Some(offset),
        };
        self.committed.extend(to.map(|to| (slot, (to, String::new()))));
        self.done.want_again(slot, to.unwrap_or(0), self.generations + 1);
        self.seen.resets += 1;
    }

    fn begin(&mut self, slot: u32, next: i64) -> u32 {
        self.generations += 1;
        let number = self.generations;
        let generation = Generation { number, next, pending: BTreeSet::new(), asked: None, open: true };
        self.live.insert(slot, generation);
        number
    }

    /// The log is cut and filled again, and the consumer goes back with it.
    pub(super) fn cut(&mut self, slot: u32) {
        let Some(part) = self.rig.core.part(slot).filter(|part| part.is_open()) else { return };
        let (generation, position) = (part.home.generation, part.ledger.position());
        let out = self.out.iter().any(|(at, number, _)| (*at, *number) == (slot, generation));
        if out || position == 0 || part.ledger.has_claim() {
            return;
        }
        let back = i64::try_from(self.random.below(position.unsigned_abs())).expect("small");
        self.log.cut(slot, back);
        self.cut.insert(slot, (back, generation));
        let run = Run { first: back, end: back + 1, done: self.random.one_in(2) };
        let actions = self.rig.chunk(slot, generation, &[run]);
        self.carry_out(actions);
        assert!(!self.rig.core.is_running() || self.rewinds.iter().any(|(asked, ..)| *asked == slot));
    }

    /// Answers a request to begin a partition anew.
    pub(super) fn rewind(&mut self) {
        let Some((slot, generation, offset)) = self.rewinds.pop() else { return };
        if self.rig.core.part(slot).is_none_or(|part| part.home.generation != generation) {
            return;
        }
        let old = self.live.remove(&slot);
        let number = self.begin(slot, offset);
        let actions = self.rig.restart(slot, number, Start::at(offset));
        if self.rig.core.part(slot).is_some_and(|part| part.home.generation == number) {
            self.seen.epochs += 1;
            self.all_done(slot, 0..offset);
        } else {
            // It is on its way out.
            self.live.extend(old.map(|old| (slot, old)));
        }
        self.carry_out(actions);
    }

    pub(super) fn chunk(&mut self, slot: u32, most: u64, keep: bool) {
        if self.rig.core.credit(slot) == 0 {
            return;
        }
        while self.rig.core.part(slot).is_some_and(|part| part.ledger.has_claim()) {
            if self.rig.core.credit(slot) == 0 || !self.claimed(slot) {
                return;
            }
        }
        let credit = self.rig.core.credit(slot);
        let Some(next) = self.live.get(&slot).filter(|_| credit > 0).map(|live| live.next) else { return };
        let (mut runs, mut left): (Vec<Run>, u64) = (Vec::new(), 0);
        let records: Vec<_> = self.log.records(slot, next..END).collect();
        let Some((_, first, _)) = records.first() else { return };
        let number = self.live[&slot].number;
        assert!(self.rig.begin(slot, number, *first), "it has credit");
        for record @ (_, offset, _) in records {
            if u64::try_from(runs.len()).expect("small") >= most || left >= credit {
                break;
            }
            let done = self.take(record);
            left += u64::from(!done);
            match runs.last_mut() {
                Some(run) if run.end == offset && run.done == done => run.end += 1,
                _ => runs.push(Run { first: offset, end: offset + 1, done }),
            }
        }
        self.out.push((slot, number, runs));
        if !keep {
            self.bring_back(self.out.len() - 1);
        }
    }

    /// Runs a record: it is done at once, or leaves for a task.
    fn take(&mut self, record @ (slot, offset, _): Record) -> bool {
        let live = self.live.get_mut(&slot).expect("it runs");
        live.next = offset + 1;
        if self.random.one_in(2) {
            let generation = live.number;
            self.done.add(record, generation);
            return true;
        }
        live.pending.insert(offset);
        let receipt = self.rig.receipt_of(slot, live.number, offset, 1, Some(&key(record)));
        self.tasks.push(Task { generation: live.number, record, receipt });
        false
    }

    /// Takes one record while an earlier owner's word stands; says whether there was one.
    fn claimed(&mut self, slot: u32) -> bool {
        let Some((next, number)) = self.live.get(&slot).map(|live| (live.next, live.number)) else {
            return false;
        };
        let Some(record @ (_, offset, _)) = self.log.records(slot, next..END).next() else { return false };
        let fingerprint = Rig::fingerprint(&key(record));
        let part = self.rig.core.parts.get_mut(&slot).expect("it has credit");
        if part.ledger.claim_to_verify() == Some(offset) {
            part.ledger.verify(offset, fingerprint);
        }
        if part.ledger.deliver_known(offset, None).expect("in order") == Delivered::AlreadyDone {
            assert!(self.done.contains(&record), "{record:?} is skipped and was never done");
            self.seen.skipped += 1;
            self.live.get_mut(&slot).expect("it runs").next = offset + 1;
            return true;
        }
        assert!(self.rig.begin(slot, number, offset), "it has credit");
        let done = self.take(record);
        let actions = self.rig.delivered_chunk(slot, number, &[Run { first: offset, end: offset + 1, done }]);
        self.carry_out(actions);
        true
    }

    fn bring_back(&mut self, at: usize) {
        let (slot, number, runs) = self.out.swap_remove(at);
        let is_over = self.live.get(&slot).is_none_or(|live| live.number != number);
        self.seen.back_late += u32::from(is_over);
        let actions = self.rig.chunk(slot, number, &runs);
        self.carry_out(actions);
    }

    pub(super) fn bring_one_back(&mut self) {
        if !self.out.is_empty() {
            let at = self.random.below(self.out.len() as u64);
            self.bring_back(usize::try_from(at).expect("small"));
        }
    }

    pub(super) fn settle(&mut self, returned: bool) {
        if self.tasks.is_empty() {
            return;
        }
        let at = usize::try_from(self.random.below(self.tasks.len() as u64)).expect("small");
        let Task { generation, record, receipt } = self.tasks.swap_remove(at);
        let (slot, offset, _) = record;
        let live = self.live.get_mut(&slot).filter(|live| live.number == generation);
        if returned {
            self.returned |= live.is_some();
            drop(receipt);
        } else {
            if let Some(live) = live {
                live.pending.remove(&offset);
            }
            self.done.add(record, generation);
            receipt.settle(match self.random.below(4) {
                0 => Outcome::Skipped(Reason::new("random")),
                _ => Outcome::Healed,
            });
        }
        let actions = self.rig.collect();
        self.carry_out(actions);
        if !returned && self.random.one_in(20) {
            let actions = self.rig.heal(slot, generation, offset);
            self.carry_out(actions);
        }
    }

    pub(super) fn position(&mut self, slot: u32) {
        let Some(live) = self.live.get_mut(&slot) else { return };
        let to = if live.open {
            // Over offsets without a record.
            (live.next..END).find(|offset| self.log.exists(slot, *offset)).unwrap_or(END)
        } else {
            // Over records that a closed lane threw away: the core must not believe it.
            live.next + 5
        };
        if live.open {
            live.next = live.next.max(to);
        }
        let actions = self.rig.step(Event::Positions(&[(slot, to)]));
        self.carry_out(actions);
    }

    /// Everything that is out comes back.
    pub(super) fn finish_all(&mut self) {
        while !self.out.is_empty() {
            self.bring_one_back();
        }
        while !self.rewinds.is_empty() {
            self.rewind();
        }
        while !self.tasks.is_empty() {
            self.settle(false);
        }
    }
}
