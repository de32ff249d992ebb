//! The set of pending offsets, kept as runs: the debt of a partition, and the only thing that costs memory.
//!
//! Records are delivered at the upper end and mostly settled at the lower one, so both end runs live inline:
//! work in order touches neither the heap nor the tree. Only an outcome out of order splits a run and
//! goes to the tree, in `O(log runs)`.

use std::collections::BTreeMap;
use std::iter;

use super::run::Run;

/// Disjoint, ascending runs that never touch. An empty `head` means that the whole set is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    head: Run,
    between: BTreeMap<i64, i64>,
    /// The highest run, or empty while `head` (or the tree's last) is the highest.
    tail: Run,
    count: u64,
}

impl Pending {
    #[inline]
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    #[inline]
    pub(super) fn first(&self) -> Option<i64> {
        (!self.head.is_empty()).then_some(self.head.first)
    }

    /// How many runs there are.
    #[inline]
    pub(super) fn run_count(&self) -> u64 {
        u64::from(!self.head.is_empty()) + self.between.len() as u64 + u64::from(!self.tail.is_empty())
    }

    /// Adds a run that is not empty and lies above everything in the set.
    #[inline]
    pub(super) fn push(&mut self, run: Run) {
        self.count += run.len();
        if self.tail.is_empty() {
            if self.head.is_empty() {
                self.head = run;
            } else if self.head.end == run.first {
                self.head.end = run.end;
            } else {
                self.tail = run;
            }
        } else if self.tail.end == run.first {
            self.tail.end = run.end;
        } else {
            self.push_after_gap(run);
        }
    }

    #[cold]
    fn push_after_gap(&mut self, run: Run) {
        self.between.insert(self.tail.first, self.tail.end);
        self.tail = run;
    }

    /// Takes a run that is not empty out of the set.
    ///
    /// All of it must be in the set, or nothing changes and the lowest offset that is not comes back.
    #[inline]
    pub(super) fn remove(&mut self, run: Run) -> Result<(), i64> {
        if run.first == self.head.first && run.end <= self.head.end {
            self.head.first = run.end;
            if self.head.is_empty() {
                self.refill_head();
            }
        } else {
            self.remove_inside(run)?;
        }
        self.count -= run.len();
        Ok(())
    }

    #[inline]
    fn refill_head(&mut self) {
        self.head = match self.between.pop_first() {
            Some((first, end)) => Run::new(first, end),
            None => std::mem::take(&mut self.tail),
        };
    }

    #[cold]
    fn remove_inside(&mut self, run: Run) -> Result<(), i64> {
        if !self.tail.is_empty() && run.first >= self.tail.first {
            let (left, right) = split(self.tail, run)?;
            if right.is_empty() {
                self.tail = left;
            } else {
                self.keep(left);
                self.tail = right;
            }
        } else if run.first < self.head.end {
            let (left, right) = split(self.head, run)?;
            self.head = left;
            if self.tail.is_empty() && self.between.is_empty() {
                self.tail = right;
            } else {
                self.keep(right);
            }
        } else {
            let (&first, &end) = self.between.range(..=run.first).next_back().ok_or(run.first)?;
            let (left, right) = split(Run::new(first, end), run)?;
            self.between.remove(&first);
            self.keep(left);
            self.keep(right);
        }
        Ok(())
    }

    fn keep(&mut self, run: Run) {
        if !run.is_empty() {
            self.between.insert(run.first, run.end);
        }
    }

    /// The runs, ascending.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        iter::once(self.head)
            .chain(self.between.iter().map(|(&first, &end)| Run::new(first, end)))
            .chain(iter::once(self.tail))
            .filter(|run| !run.is_empty())
    }

    /// An upper bound of the tree's bytes on the heap.
    ///
    /// `std` says nothing about its nodes, so they are counted at their fullest: eleven pairs and a header each,
    /// every node but the root at least five pairs full, and twelve edges more in those that are not leaves.
    pub(super) fn heap_bytes(&self) -> usize {
        const LEAF: usize = 11 * 2 * size_of::<i64>() + 2 * size_of::<usize>();
        const INNER: usize = LEAF + 12 * size_of::<usize>();
        let leaves = self.between.len().div_ceil(5);
        let inner = if leaves > 1 { leaves.div_ceil(5) } else { 0 };
        leaves * LEAF + inner * INNER
    }
}

/// The parts of `run` left and right of `hole`, or the lowest offset of `hole` that `run` does not hold.
fn split(run: Run, hole: Run) -> Result<(Run, Run), i64> {
    if !run.contains(hole.first) {
        return Err(hole.first);
    }
    if hole.end > run.end {
        return Err(run.end);
    }
    Ok((Run::new(run.first, hole.first), Run::new(hole.end, run.end)))
}
