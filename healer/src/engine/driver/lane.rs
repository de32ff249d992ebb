//! A partition's way in: its entry, and the records that wait for it.

use std::{sync::Arc, time::Duration};

use super::backlog::Backlog;
use crate::{engine::Host, envelope::Home, operators::EntryLane};

/// A partition's way in.
#[expect(clippy::struct_excessive_bools, reason = "each is about something else")]
pub(super) struct Lane {
    pub(super) home: Arc<Home>,
    pub(super) host: Host,
    pub(super) entry: Way,
    /// Whether a node of the chain reads headers.
    pub(super) reads: bool,
    pub(super) waiting: Backlog,
    /// How many of those that waited are out with the entry, and their bytes.
    pub(super) out: (usize, usize),
    /// How many runs of the chunk that was fetched last the poll thread has in hand and has not begun.
    pub(super) in_hand: usize,
    /// What was fetched while the poll thread was held up: newer than everything that thread has in hand.
    pub(super) kept: Backlog,
    pub(super) paused: bool,
    /// Whether it is among those that are looked at in each round.
    pub(super) is_busy: bool,
    pub(super) opened: Duration,
    /// Whether a record of this assignment was lent.
    pub(super) lent: bool,
}

impl Lane {
    /// It takes records, and all that was fetched for it was taken.
    pub(super) fn is_idle(&self) -> bool {
        let idle = self.waiting.is_empty() && self.kept.is_empty() && self.in_hand == 0;
        matches!(self.entry, Way::Open(_)) && idle
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.entry, Way::Closed)
    }

    /// Whether there is something to look after in the next round, where it is not closed.
    pub(super) fn has_business(&self) -> bool {
        let waits = !self.waiting.is_empty() || !self.kept.is_empty();
        waits || self.paused || matches!(self.entry, Way::Out)
    }

    /// How many records wait in all, and their bytes.
    pub(super) fn backlog(&self) -> (usize, usize) {
        let all =
            [(self.waiting.len(), self.waiting.bytes()), (self.kept.len(), self.kept.bytes()), self.out];
        all.into_iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
    }
}

/// Where a lane's entry is.
pub(super) enum Way {
    Open(Box<dyn EntryLane>),
    /// With the thread that runs records through it.
    Out,
    /// Nothing more goes in.
    Closed,
}

/// Whether nothing is fetched for a lane with so many records and bytes that wait. Fetching pauses when a bound's worth waits that is
/// also the lane's part of the budget, and goes on at half of it: to resume is to fetch again what the client threw away, which
/// may take as long as the broker holds a fetch.
pub(super) fn pauses(
    paused: bool,
    (records, bytes): (usize, usize),
    (in_flight, part): (usize, usize),
) -> bool {
    if paused { records > in_flight / 2 && bytes > part / 2 } else { records >= in_flight && bytes >= part }
}

#[cfg(test)]
mod tests {
    use super::pauses;

    #[test]
    fn a_lane_pauses_at_both_bounds_and_goes_on_at_half_of_one() {
        let bounds = (100, 1_000);
        assert!(!pauses(false, (5_000, 999), bounds), "small records");
        assert!(!pauses(false, (99, 5_000), bounds), "large records");
        assert!(pauses(false, (100, 1_000), bounds));
        assert!(pauses(true, (51, 501), bounds));
        assert!(!pauses(true, (50, 5_000), bounds));
        assert!(!pauses(true, (5_000, 500), bounds));
    }
}
