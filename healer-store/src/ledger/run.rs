//! A half-open range of offsets, because progress is kept in runs and never offset by offset.

use std::fmt;

/// Offsets from `first` up to, but not including, `end`.
///
/// The fields are public: a run makes no promise by itself, and code that takes one in checks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The lowest offset of the run.
    pub first: i64,
    /// One past the highest offset of the run.
    pub end: i64,
}

impl Run {
    /// The run `[first, end)`.
    #[inline]
    pub const fn new(first: i64, end: i64) -> Self {
        Self { first, end }
    }

    /// True if the run holds no offset.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.end <= self.first
    }

    /// How many offsets the run holds; never overflows.
    #[inline]
    pub const fn len(self) -> u64 {
        if self.is_empty() { 0 } else { self.end.abs_diff(self.first) }
    }

    /// True if `offset` lies within the run.
    #[inline]
    pub const fn contains(self, offset: i64) -> bool {
        self.first <= offset && offset < self.end
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.first, self.end)
    }
}

/// True if `runs` are not empty, ascend, do not overlap, and all lie above `frontier`.
pub(super) fn are_above(frontier: i64, runs: &[Run]) -> bool {
    let mut end = frontier;
    runs.iter().enumerate().all(|(i, run)| {
        // The frontier itself is pending by definition, so the first run must leave it out.
        let after = if i == 0 { run.first > end } else { run.first >= end };
        end = run.end;
        after && !run.is_empty()
    })
}
