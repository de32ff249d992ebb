//! A partition's way in: its entry, and the records that wait for it.

use std::{sync::Arc, time::Duration};

use super::backlog::Backlog;
use crate::{
    envelope::Home,
    lane::{EntryLane, Host},
};

/// A partition's way in.
#[expect(clippy::struct_excessive_bools, reason = "each is about something else")]
pub(super) struct Lane {
    pub(super) home: Arc<Home>,
    pub(super) host: Host,
    pub(super) entry: EntryState,
    /// Whether a node of the chain reads headers.
    pub(super) reads: bool,
    pub(super) waiting: Backlog,
    /// How many bytes of those that waited are out with the entry.
    pub(super) out: usize,
    /// How many runs of the chunk that was fetched last the poll thread has in hand and has not begun.
    pub(super) in_hand: usize,
    /// The records fetched while the poll thread was held up: newer than all that thread has in hand.
    pub(super) kept: Backlog,
    pub(super) paused: bool,
    /// Whether it is among those that are looked at in each round.
    pub(super) is_busy: bool,
    pub(super) opened: Duration,
    /// Whether a record of this assignment was fetched.
    pub(super) fetched: bool,
}

impl Lane {
    /// It takes records, and all that was fetched for it was taken.
    pub(super) fn is_idle(&self) -> bool {
        let idle = self.waiting.is_empty() && self.kept.is_empty() && self.in_hand == 0;
        self.is_in() && idle
    }

    /// It takes records, and no run of it is out.
    pub(super) fn is_in(&self) -> bool {
        matches!(self.entry, EntryState::Open(_))
    }

    /// It is idle though it is fetched for. One that is paused stands still since nobody asks for more.
    pub(super) fn is_at_a_loss(&self) -> bool {
        self.is_idle() && !self.paused
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.entry, EntryState::Closed)
    }

    /// Whether there is something to look after in the next round, where it is not closed.
    pub(super) fn has_business(&self) -> bool {
        let waits = !self.waiting.is_empty() || !self.kept.is_empty();
        waits || self.paused || matches!(self.entry, EntryState::Out)
    }

    /// How many bytes wait in all.
    pub(super) fn backlog(&self) -> u64 {
        (self.waiting.bytes() + self.kept.bytes() + self.out) as u64
    }

    /// The charge of those that wait, with all copies that there will be.
    pub(super) fn charge(&self) -> u64 {
        self.backlog() * self.home.copies().count()
    }
}

/// Where a lane's entry is.
pub(super) enum EntryState {
    Open(Box<dyn EntryLane>),
    /// With a run.
    Out,
    /// Nothing more goes in.
    Closed,
}

/// Whether nothing is fetched for a lane that holds `own` bytes, waiting and in flight, while so many are free. Fetching pauses when it
/// holds as many, and goes on at half of that: to resume is to fetch again the records that the client threw away, which may
/// take as long as the broker holds a fetch.
pub(super) fn pauses(paused: bool, own: u64, free: u64) -> bool {
    // One that holds nothing takes a record, or it would stand still while others hold all.
    own > 0 && if paused { own > free / 2 } else { own >= free }
}

#[cfg(test)]
mod tests {
    use super::pauses;

    #[test]
    fn a_lane_pauses_when_it_holds_what_is_free_and_goes_on_at_half_of_that() {
        assert!(!pauses(false, 999, 1_000) && pauses(false, 1_000, 1_000));
        assert!(pauses(true, 501, 1_000) && !pauses(true, 500, 1_000));
        assert!(pauses(false, 1, 0) && pauses(true, 1, 0));
        assert!(
            !pauses(false, 0, 0) && !pauses(true, 0, 0),
            "one that holds nothing does not wait for others"
        );
    }
}
