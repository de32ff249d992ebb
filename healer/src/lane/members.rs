//! The partitions that a lane serves.

use crate::envelope::Home;

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
    pub(super) fn of(home: &Home) -> Self {
        let Home { slot, generation, .. } = *home;
        Self::One { slot, generation, partition: home.partition.partition }
    }

    /// The members of a lane in `scope` that serves these as well. Below a wide lane none is narrower.
    pub(super) fn widened(self, scope: LaneScope) -> Self {
        match (scope, self) {
            (LaneScope::Pipeline, _) => Self::All,
            (LaneScope::CoPartition, Self::One { partition, .. }) => Self::Numbered(partition),
            (LaneScope::CoPartition | LaneScope::Partition, _) => self,
        }
    }
}
