//! How many records each node took, gave, skipped. A lane counts for itself: each of its nodes is in the hands of one thread
//! at a time, so that a count is a load and a store, and no atomic read-modify-write. `StageCounts::sums` adds the lanes up.
//!
//! **Counts.** A lane counts for itself, a node in it by a load and a store (`observe/stages/counts`): each of its nodes is in
//! one thread's hands at a time. The export of the metrics, four times a second, adds the lanes up. Rare events (failures,
//! retries) are counted behind a lock. Where records are that left the poll thread is known from their places, so that the number
//! in flight needs no count.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use crate::{envelope::Reason, topology::Graph};

/// The counts of one node in one lane. It has a power of two of bytes, so that those of a node are found by a shift.
#[derive(Default)]
#[repr(align(64))]
struct NodeCounts {
    taken: AtomicU64,
    given: AtomicU64,
    skipped: AtomicU64,
    /// Calls of a parallel stage that have begun, and records that stand behind another of their key.
    at_work: AtomicU64,
    behind: AtomicU64,
    /// Why it skips, by number: a node has one reason of its own.
    reason: AtomicU32,
}

/// A count that one thread at a time writes needs no more than this.
#[inline]
fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Relaxed).wrapping_add(more), Relaxed);
}

/// The counts of a lane, and of the tasks that it opens.
#[derive(Default)]
pub(crate) struct LaneCounts {
    /// The lowest number of the pipeline's nodes.
    first: u32,
    nodes: Box<[NodeCounts]>,
}

impl LaneCounts {
    #[inline]
    fn of(&self, node: u32) -> Option<&NodeCounts> {
        self.nodes.get(node.wrapping_sub(self.first) as usize)
    }

    /// Records came to a node.
    #[inline]
    pub(crate) fn take(&self, node: u32, records: u64) {
        if let Some(counts) = self.of(node) {
            add(&counts.taken, records);
        }
    }

    /// A node passed records on.
    #[inline]
    pub(crate) fn give(&self, node: u32, records: u64) {
        if let Some(counts) = self.of(node) {
            add(&counts.given, records);
        }
    }

    /// How many calls of a node are at work in this lane, and how many records wait for their key.
    pub(crate) fn calls(&self, node: u32, at_work: usize, behind: usize) {
        if let Some(counts) = self.of(node) {
            counts.at_work.store(at_work as u64, Relaxed);
            counts.behind.store(behind as u64, Relaxed);
        }
    }

    /// A node skipped a record for its own reason.
    #[inline]
    pub(crate) fn skip(&self, node: u32, reason: Reason) {
        if let Some(counts) = self.of(node) {
            counts.reason.store(reason.number(), Relaxed);
            add(&counts.skipped, 1);
        }
    }
}

/// Events that are rare enough for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rare {
    /// A record was given up, for a failure of this kind.
    Failed(&'static str),
    /// A record was skipped, for a reason that is not the node's own.
    Skipped(Reason),
    /// One more attempt was made.
    Retried,
    /// The broker has the dead letter of a record.
    DeadLettered,
    /// It rests from now on, since it fails on everything.
    CircuitOpened,
}

/// The counts of one node over all lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) taken: u64,
    pub(crate) given: u64,
    pub(crate) skipped: Option<(Reason, u64)>,
    pub(crate) at_work: u64,
    pub(crate) behind: u64,
}

impl Sum {
    fn add(&mut self, counts: &NodeCounts) {
        self.taken += counts.taken.load(Relaxed);
        self.given += counts.given.load(Relaxed);
        self.at_work += counts.at_work.load(Relaxed);
        self.behind += counts.behind.load(Relaxed);
        let skipped = counts.skipped.load(Relaxed);
        if skipped > 0 {
            let before = self.skipped.map_or(0, |(_, before)| before);
            self.skipped = Some((Reason::of_number(counts.reason.load(Relaxed)), before + skipped));
        }
    }
}

#[derive(Default)]
struct Lanes {
    open: Vec<Arc<LaneCounts>>,
    /// Of lanes that nobody counts in any more.
    closed: Vec<Sum>,
}

/// The counts of a running pipeline.
pub(crate) struct StageCounts {
    first: u32,
    nodes: usize,
    lanes: Mutex<Lanes>,
    rare: Mutex<BTreeMap<(u32, Rare), u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing but additions runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StageCounts {
    pub(crate) fn new(graph: &Graph) -> Self {
        let ids = || graph.nodes.iter().map(|node| node.id);
        let (first, last) = (ids().min().unwrap_or(0), ids().max().unwrap_or(0));
        let nodes = (last - first) as usize + 1;
        let lanes = Lanes { open: Vec::new(), closed: vec![Sum::default(); nodes] };
        Self { first, nodes, lanes: Mutex::new(lanes), rare: Mutex::default() }
    }

    /// Those of a new lane.
    pub(crate) fn open(&self) -> Arc<LaneCounts> {
        let nodes = std::iter::repeat_with(NodeCounts::default).take(self.nodes).collect();
        let lane = Arc::new(LaneCounts { first: self.first, nodes });
        lock(&self.lanes).open.push(Arc::clone(&lane));
        lane
    }

    pub(crate) fn rare(&self, node: u32, what: Rare) {
        *lock(&self.rare).entry((node, what)).or_default() += 1;
    }

    /// How often each rare event happened, by node.
    pub(crate) fn all_rare(&self) -> BTreeMap<(u32, Rare), u64> {
        lock(&self.rare).clone()
    }

    /// The counts of each node, and its number.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (u32, Sum)> {
        let mut lanes = lock(&self.lanes);
        let Lanes { open, closed } = &mut *lanes;
        open.retain_mut(|lane| {
            // Nobody else has it: its counts are final.
            let Some(lane) = Arc::get_mut(lane) else { return true };
            closed.iter_mut().zip(&lane.nodes).for_each(|(sum, counts)| sum.add(counts));
            false
        });
        let mut sums = closed.clone();
        for lane in open {
            sums.iter_mut().zip(&lane.nodes).for_each(|(sum, counts)| sum.add(counts));
        }
        (self.first..).zip(sums)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Rare, StageCounts, Sum};
    use crate::{envelope::Reason, topology::Graph};

    fn counts() -> StageCounts {
        let stages = StageCounts::new(&Graph::default());
        StageCounts { first: 5, nodes: 3, ..stages }.with_room()
    }

    impl StageCounts {
        fn with_room(self) -> Self {
            super::lock(&self.lanes).closed = vec![Sum::default(); self.nodes];
            self
        }
    }

    #[test]
    fn lanes_are_added_up_also_when_they_are_gone() {
        let (stages, reason) = (counts(), Reason::new("late"));
        let (a, b) = (stages.open(), stages.open());
        a.take(5, 1);
        a.take(6, 10);
        b.take(6, 3);
        a.give(6, 2);
        b.skip(6, reason);
        a.skip(6, reason);
        a.calls(7, 3, 1);
        b.calls(7, 2, 0);
        assert_eq!(stages.sums().last().map(|(_, sum)| (sum.at_work, sum.behind)), Some((5, 1)));
        for lane in [&a, &b] {
            lane.calls(7, 0, 0);
        }
        let expected: BTreeMap<u32, Sum> = [
            (5, Sum { taken: 1, ..Sum::default() }),
            (6, Sum { taken: 13, given: 2, skipped: Some((reason, 2)), ..Sum::default() }),
            (7, Sum::default()),
        ]
        .into();
        assert_eq!(stages.sums().collect::<BTreeMap<_, _>>(), expected);
        drop(a);
        assert_eq!(stages.sums().collect::<BTreeMap<_, _>>(), expected);
        assert_eq!(super::lock(&stages.lanes).open.len(), 1);
        drop(b);
        assert_eq!(stages.sums().collect::<BTreeMap<_, _>>(), expected);
        assert!(super::lock(&stages.lanes).open.is_empty());
    }

    #[test]
    fn a_node_of_another_pipeline_is_not_counted() {
        let stages = counts();
        let lane = stages.open();
        for node in [0, 4, 8, u32::MAX] {
            lane.take(node, 1);
            lane.give(node, 1);
            lane.skip(node, Reason::new("late"));
        }
        assert!(stages.sums().all(|(_, sum)| sum == Sum::default()));
    }

    #[test]
    fn what_is_rare_is_counted_by_node_and_kind() {
        let stages = counts();
        stages.rare(5, Rare::Failed("panic"));
        stages.rare(5, Rare::Failed("panic"));
        stages.rare(6, Rare::Retried);
        let rare = stages.all_rare();
        assert_eq!(rare, [((5, Rare::Failed("panic")), 2), ((6, Rare::Retried), 1)].into());
    }
}
