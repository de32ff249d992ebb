//! The partitions that share one lane of a node, and the lanes that are open.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::tasks::Tasks;
use crate::observe::LaneCounts;

/// Which partitions share one lane of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneScope {
    /// Each partition of each topic has its own.
    Partition,
    /// The partitions of one number share it, across all topics: records of one key meet there.
    CoPartition,
    /// All partitions share it.
    Pipeline,
}

/// The partitions that a lane serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Members {
    /// One partition in one generation.
    One {
        slot: u32,
        generation: u32,
        partition: i32,
    },
    /// All partitions of this number.
    Numbered(i32),
    All,
}

impl Members {
    /// The members of a lane in `scope` that serves these as well. Below a wide lane none is narrower.
    pub(super) fn widened(self, scope: LaneScope) -> Self {
        match (scope, self) {
            (LaneScope::Pipeline, _) => Self::All,
            (LaneScope::CoPartition, Self::One { partition, .. }) => Self::Numbered(partition),
            (LaneScope::CoPartition | LaneScope::Partition, _) => self,
        }
    }
}

/// The giving end of a lane that several nodes or partitions share. The lane is open as long as one of them holds it.
pub(crate) trait SharedLane: Sized {
    /// Does not keep the lane open.
    type Weak: Send + Sync + 'static;

    fn downgrade(&self) -> Self::Weak;
    fn upgrade(weak: &Self::Weak) -> Option<Self>;
}

/// A value whose type is its user's own: the one place where it is found again.
pub(super) struct Opaque(Box<dyn Any + Send + Sync>);

impl Opaque {
    pub(super) fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self(Box::new(value))
    }

    /// `None` where it is of another type.
    pub(super) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing but look-ups runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The shared lanes, tasks and counts of some partitions.
pub(super) struct LaneSet {
    pub(super) members: Members,
    pub(super) tasks: Tasks,
    pub(super) counts: Arc<LaneCounts>,
    /// By node, each a `SharedLane::Weak`.
    open: Mutex<HashMap<u32, Opaque>>,
}

impl LaneSet {
    pub(super) fn new(members: Members, counts: Arc<LaneCounts>) -> Self {
        Self { members, tasks: Tasks::default(), counts, open: Mutex::default() }
    }

    /// The lane of a node, if it is open.
    pub(super) fn lane<L: SharedLane>(&self, node: u32) -> Option<L> {
        lock(&self.open).get(&node)?.get().and_then(L::upgrade)
    }

    pub(super) fn keep<L: SharedLane>(&self, node: u32, lane: &L) {
        lock(&self.open).insert(node, Opaque::new(lane.downgrade()));
    }
}

/// The sets that serve more than one partition. They stay, since lanes of other partitions may come to them.
#[derive(Default)]
pub(super) struct WideLanes(Mutex<HashMap<Members, Arc<LaneSet>>>);

impl WideLanes {
    pub(super) fn of(&self, members: Members, counts: impl FnOnce() -> Arc<LaneCounts>) -> Arc<LaneSet> {
        let known = lock(&self.0).get(&members).map(Arc::clone);
        known.unwrap_or_else(|| {
            // Only the poll thread opens lanes.
            let set = Arc::new(LaneSet::new(members, counts()));
            lock(&self.0).insert(members, Arc::clone(&set));
            set
        })
    }

    /// Cancels the tasks of all of them; their receipts are returned.
    pub(super) fn abort(&self) {
        lock(&self.0).values().for_each(|set| set.tasks.abort());
    }
}

#[cfg(test)]
mod tests {
    use super::{LaneScope, Members};

    #[test]
    fn partitions_of_one_number_meet_in_a_co_partition_and_all_of_them_in_the_pipeline() {
        let one = |slot, partition| Members::One { slot, generation: 1, partition };
        let (east, west, other) = (one(0, 0), one(3, 0), one(1, 1));
        assert_eq!(east.widened(LaneScope::Partition), east);
        assert_ne!(east.widened(LaneScope::Partition), west.widened(LaneScope::Partition));
        assert_eq!(east.widened(LaneScope::CoPartition), west.widened(LaneScope::CoPartition));
        assert_ne!(east.widened(LaneScope::CoPartition), other.widened(LaneScope::CoPartition));
        assert_eq!(east.widened(LaneScope::Pipeline), other.widened(LaneScope::Pipeline));
    }

    #[test]
    fn below_a_wide_lane_no_lane_is_narrower() {
        for wide in [Members::Numbered(2), Members::All] {
            assert_eq!(wide.widened(LaneScope::Partition), wide);
        }
        assert_eq!(Members::All.widened(LaneScope::CoPartition), Members::All);
        assert_eq!(Members::Numbered(2).widened(LaneScope::CoPartition), Members::Numbered(2));
    }
}
