//! The partitions that share one lane of a node, and the lanes that are open.
//!
//! **Lanes.** A lane that several nodes or partitions give to is looked up by its node and the partitions of its scope, and is
//! open as long as one of them holds it: a port's for each partition, `batch`'s for the pipeline. `CoPartition`, all partitions
//! of one number, is where the sides of a join meet. Below a wide lane none is narrower, so a port there has one lane as well.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{members::Members, tasks::Tasks};
use crate::observe::LaneCounts;

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
    pub(super) tasks: Arc<Tasks>,
    pub(super) counts: Arc<LaneCounts>,
    /// By node, each a `SharedLane::Weak`.
    open: Mutex<HashMap<u32, Opaque>>,
}

impl LaneSet {
    pub(super) fn new(members: Members, counts: Arc<LaneCounts>) -> Self {
        Self { members, tasks: Arc::default(), counts, open: Mutex::default() }
    }

    /// The set of some partitions below a lane of this one: its tasks end with those of this one at the latest.
    pub(super) fn within(&self, members: Members, counts: Arc<LaneCounts>) -> Self {
        Self { tasks: self.tasks.within(members), ..Self::new(members, counts) }
    }

    /// The lane of a node, if it is open.
    pub(super) fn lane<L: SharedLane>(&self, node: u32) -> Option<L> {
        lock(&self.open).get(&node)?.get().and_then(L::upgrade)
    }

    /// Keeps a lane that was just opened, and gives the one that counts: where another thread has opened the same one meanwhile, this
    /// one closes again, since it holds nothing yet.
    pub(super) fn keep<L: SharedLane>(&self, node: u32, lane: L) -> L {
        let mut open = lock(&self.open);
        let meanwhile = open.get(&node).and_then(Opaque::get).and_then(L::upgrade);
        if meanwhile.is_none() {
            open.insert(node, Opaque::new(lane.downgrade()));
        }
        drop(open);
        meanwhile.unwrap_or(lane)
    }
}

/// The sets that serve more than one partition. They stay, since lanes of other partitions may come to them.
#[derive(Default)]
pub(super) struct WideLanes(Mutex<HashMap<Members, Arc<LaneSet>>>);

impl WideLanes {
    pub(super) fn of(&self, members: Members, counts: impl FnOnce() -> Arc<LaneCounts>) -> Arc<LaneSet> {
        let known = lock(&self.0).get(&members).map(Arc::clone);
        known.unwrap_or_else(|| {
            let set = Arc::new(LaneSet::new(members, counts()));
            Arc::clone(lock(&self.0).entry(members).or_insert(set))
        })
    }

    /// Cancels the tasks of the lanes below them that serve a partition in one generation.
    pub(super) fn abort_within(&self, members: Members) {
        let sets: Vec<_> = lock(&self.0).values().map(Arc::clone).collect();
        for set in sets {
            set.tasks.abort_within(members);
        }
    }

    /// Cancels the tasks of all of them; their receipts are returned.
    pub(super) fn abort(&self) {
        lock(&self.0).values().for_each(|set| set.tasks.abort());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use super::{LaneSet, Members, SharedLane};
    use crate::lane::LaneScope;
    use crate::observe::LaneCounts;

    /// A lane that is open as long as one holds it.
    impl SharedLane for Arc<&'static str> {
        type Weak = Weak<&'static str>;

        fn downgrade(&self) -> Self::Weak {
            Arc::downgrade(self)
        }

        fn upgrade(weak: &Self::Weak) -> Option<Self> {
            weak.upgrade()
        }
    }

    #[test]
    fn a_lane_is_found_while_it_is_open_and_the_first_of_two_counts() {
        let set = LaneSet::new(Members::All, Arc::<LaneCounts>::default());
        assert_eq!(set.lane::<Arc<&str>>(1), None);
        let first = set.keep(1, Arc::new("first"));
        assert_eq!(*set.keep(1, Arc::new("of another thread")), "first");
        assert_eq!(set.lane::<Arc<&str>>(1).as_deref(), Some(&"first"));
        assert_eq!(set.lane::<Arc<&str>>(2), None, "another node");
        drop(first);
        assert_eq!(set.lane::<Arc<&str>>(1), None, "it was closed");
        assert_eq!(*set.keep(1, Arc::new("next")), "next");
    }

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
