//! A receipt owes an outcome: to one record, or to several.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Home, Outcome, fingerprint::fingerprint, places::InFlight};
use crate::broker::RecordRef;

/// Owes an outcome, to one record or to several. It is never `Clone`; dropped without an outcome it returns its records, so
/// nothing is lost silently.
#[must_use]
pub(crate) struct Receipt {
    owed: Owed,
}

enum Owed {
    One {
        home: Arc<Home>,
        place: Arc<InFlight>,
    },
    Share(Arc<Split>),
    /// One a row of a batch.
    Many(Vec<Receipt>),
    Nothing,
}

/// A receipt whose record went several ways; it ends with the last share.
struct Split {
    whole: Receipt,
    outcome: AtomicU64,
}

impl Split {
    fn merge(&self, outcome: Outcome) {
        // Relaxed: the shares' `Arc` orders the last drop after every merge.
        self.outcome.fetch_max(outcome.code(), Ordering::Relaxed);
    }
}

impl Drop for Split {
    fn drop(&mut self) {
        let outcome = Outcome::of_code(*self.outcome.get_mut()).unwrap_or(Outcome::Returned);
        std::mem::replace(&mut self.whole, Receipt::nothing()).settle(outcome);
    }
}

/// The first share of a receipt, from which the others are made. Dropped without an end it returns all.
pub(crate) struct Shares {
    rows: Vec<Arc<Split>>,
}

impl Shares {
    /// One more share.
    pub(crate) fn share(&self) -> Receipt {
        let share = |split| Receipt { owed: Owed::Share(Arc::clone(split)) };
        match self.rows.as_slice() {
            [one] => share(one),
            rows => Receipt::many(rows.iter().map(share).collect()),
        }
    }

    /// Gives the first share back: with an outcome of its own, or leaving it to the others.
    pub(crate) fn end(mut self, outcome: Option<Outcome>) {
        for split in self.rows.drain(..) {
            if let Some(outcome) = outcome {
                split.merge(outcome);
            }
        }
    }

    pub(crate) fn halt(&self) {
        self.rows.iter().for_each(|split| split.whole.halt());
    }

    /// As [`Receipt::each_home`].
    pub(crate) fn each_home(&self, visit: &mut dyn FnMut(&Arc<Home>, i64)) {
        self.rows.iter().for_each(|split| split.whole.each_home(visit));
    }

    /// As [`Receipt::is_halted`].
    pub(crate) fn is_halted(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|split| split.whole.is_halted())
    }

    /// As [`Receipt::is_fenced`].
    pub(crate) fn is_fenced(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|split| split.whole.is_fenced())
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        self.rows.iter().for_each(|split| split.merge(Outcome::Returned));
    }
}

/// Partitions that rest: nothing more of them is begun.
pub(crate) struct Hold(Vec<Arc<Home>>);

impl Drop for Hold {
    fn drop(&mut self) {
        for home in &self.0 {
            home.let_go();
        }
    }
}

impl Receipt {
    /// The receipt of one record that leaves the poll thread.
    pub(super) fn one(home: Arc<Home>, place: InFlight) -> Self {
        let place = home.enter(place);
        Self { owed: Owed::One { home, place } }
    }

    /// The receipt of a record that leaves the poll thread for a node, with so many bytes kept beside key and value.
    #[inline]
    pub(crate) fn fresh(home: &Arc<Home>, record: &RecordRef<'_>, node: u32, beside: usize) -> Self {
        let charge = home.charge(record.bytes() + beside);
        let place = InFlight::new(record.offset, node, fingerprint(record), record.key, charge);
        Self::one(Arc::clone(home), place.of_time(record.timestamp))
    }

    /// The receipt of a batch: one a row.
    pub(crate) fn many(rows: Vec<Receipt>) -> Self {
        Self { owed: Owed::Many(rows) }
    }

    const fn nothing() -> Self {
        Self { owed: Owed::Nothing }
    }

    /// Splits it, row by row, into as many shares as are asked for.
    pub(crate) fn into_shares(self) -> Shares {
        let split = |whole| Arc::new(Split { whole, outcome: AtomicU64::new(0) });
        Shares { rows: self.into_rows().into_iter().map(split).collect() }
    }

    /// As [`into_shares`](Self::into_shares), for values of which none is a row: each share owes all of it, in one piece.
    pub(crate) fn into_whole_shares(self) -> Shares {
        Shares { rows: vec![Arc::new(Split { whole: self, outcome: AtomicU64::new(0) })] }
    }

    /// Takes a batch's receipt apart; any other is its only row.
    pub(crate) fn into_rows(mut self) -> Vec<Receipt> {
        match std::mem::replace(&mut self.owed, Owed::Nothing) {
            Owed::Many(rows) => rows,
            owed => vec![Self { owed }],
        }
    }

    /// How it ended.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        match std::mem::replace(&mut self.owed, Owed::Nothing) {
            Owed::One { home, place } => home.desk().settle(&[home.settled(&place, outcome)]),
            Owed::Share(split) => split.merge(outcome),
            Owed::Many(rows) => Self::end_all(rows, outcome),
            Owed::Nothing => {}
        }
    }

    /// Ends the rows of a batch, with one look at the desk.
    fn end_all(mut rows: Vec<Receipt>, outcome: Outcome) {
        let homes = rows
            .iter()
            .filter_map(|row| if let Owed::One { home, .. } = &row.owed { Some(home) } else { None });
        // All partitions of a pipeline have one.
        let Some(desk) = homes.map(|home| Arc::clone(home.desk())).next() else {
            return rows.into_iter().for_each(|row| row.settle(outcome));
        };
        let alone = |row: &mut Receipt| match std::mem::replace(&mut row.owed, Owed::Nothing) {
            Owed::One { home, place } => Some(home.settled(&place, outcome)),
            owed => {
                row.owed = owed;
                None
            }
        };
        let settled: Vec<_> = rows.iter_mut().filter_map(alone).collect();
        desk.settle(&settled);
        for row in rows {
            row.settle(outcome);
        }
    }

    /// Notes at which node the records are now.
    pub(crate) fn moved_to(&self, node: u32) {
        match &self.owed {
            Owed::One { place, .. } => place.move_to(node),
            Owed::Share(split) => split.whole.moved_to(node),
            Owed::Many(rows) => rows.iter().for_each(|row| row.moved_to(node)),
            Owed::Nothing => {}
        }
    }

    /// Whether nothing that it owes is to be run any more. A batch of several partitions runs for those that have not failed:
    /// their rows would come back without a reason.
    pub(crate) fn is_halted(&self) -> bool {
        self.all_homes(Home::is_halted_at)
    }

    /// Whether all that it owes is somebody else's by now.
    pub(crate) fn is_fenced(&self) -> bool {
        self.all_homes(|home, _| home.is_fenced())
    }

    fn all_homes(&self, is: fn(&Home, i64) -> bool) -> bool {
        let (mut some, mut all) = (false, true);
        self.each_home(&mut |home, offset| {
            some = true;
            all &= is(home, offset);
        });
        some && all
    }

    /// Whether a partition of its records waits for memory that it holds.
    pub(crate) fn is_starved(&self) -> bool {
        let mut is = false;
        self.each_home(&mut |home, _| is |= home.is_starved());
        is
    }

    /// These records failed: no later one of their partitions is started.
    pub(crate) fn halt(&self) {
        self.each_home(&mut |home, offset| home.halt(offset));
    }

    /// Whether it owes exactly that record, and nothing else.
    pub(crate) fn is_of(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let (mut some, mut all) = (false, true);
        self.each_home(&mut |home, owed| {
            some = true;
            all &= owed == offset && home.partition.partition == partition && *home.partition.topic == *topic;
        });
        some && all
    }

    /// Lets the partitions of its records rest until that is dropped.
    pub(crate) fn hold(&self) -> Hold {
        let mut homes = Vec::with_capacity(1);
        self.each_home(&mut |home, _| homes.push(Arc::clone(home)));
        for home in &homes {
            home.hold();
        }
        Hold(homes)
    }

    /// Whether others owe a record of it as well.
    pub(crate) fn is_shared(&self) -> bool {
        match &self.owed {
            Owed::Share(_) => true,
            Owed::Many(rows) => rows.iter().any(Self::is_shared),
            Owed::One { .. } | Owed::Nothing => false,
        }
    }

    /// Visits each record that is owed; a share owes the records of its whole.
    pub(crate) fn each_home(&self, visit: &mut dyn FnMut(&Arc<Home>, i64)) {
        match &self.owed {
            Owed::One { home, place } => visit(home, place.offset),
            Owed::Share(split) => split.whole.each_home(visit),
            Owed::Many(rows) => rows.iter().for_each(|row| row.each_home(visit)),
            Owed::Nothing => {}
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.end(Outcome::Returned);
    }
}
