//! The offsets that an earlier owner claims as done above the frontier; they may only be believed once the claim is proven.
//!
//! Offsets alone prove nothing: a topic that was deleted and made again has the same offsets with other
//! records. The claim is therefore bound to a fingerprint of the record at the frontier, and sleeps until
//! that record is delivered again. A log that was cut above the frontier and filled again passes this test; its
//! new records were written under a later leader, and so the claim ends at the first record of a leader epoch that
//! its owner never read.

use super::run::{Run, are_above};

/// The offsets done above a frontier, as an earlier owner of the partition left them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoneAbove {
    /// The frontier that the runs were recorded above.
    pub frontier: i64,
    /// The fingerprint of the record at the frontier.
    pub fingerprint: u64,
    /// The highest leader epoch that was read; `None` where the broker tells none.
    pub leader_epoch: Option<i32>,
    /// The done offsets: ascending runs that do not overlap, all above the frontier.
    pub runs: Vec<Run>,
}

impl DoneAbove {
    /// True if every offset that `other` says is done is done here too.
    pub fn covers(&self, other: &Self) -> bool {
        let within = |run: &Run| self.runs.iter().any(|own| own.first <= run.first && run.end <= own.end);
        other.runs.iter().all(within)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Claim {
    done: DoneAbove,
    verified: bool,
    /// The runs before this one lie below the position.
    cursor: usize,
}

impl Claim {
    /// `None` if the claim is about another frontier, is malformed or says nothing.
    pub(super) fn new(start: i64, done: DoneAbove) -> Option<Box<Self>> {
        let useful = done.frontier == start && !done.runs.is_empty() && are_above(start, &done.runs);
        useful.then(|| Box::new(Self { done, verified: false, cursor: 0 }))
    }

    pub(super) fn done(&self) -> &DoneAbove {
        &self.done
    }

    pub(super) fn is_verified(&self) -> bool {
        self.verified
    }

    pub(super) fn verify(&mut self, offset: i64, fingerprint: u64) -> bool {
        self.verified = offset == self.done.frontier && fingerprint == self.done.fingerprint;
        self.verified
    }

    /// True if the claim's owner may have read a record of this leader epoch. Epochs never fall along a log, so one that
    /// it cannot have read ends the claim for all that follows.
    pub(super) fn knows(&self, leader_epoch: Option<i32>) -> bool {
        match (leader_epoch, self.done.leader_epoch) {
            (Some(epoch), Some(highest)) => epoch <= highest,
            (None, None) => true,
            _ => false,
        }
    }

    /// True if `offset`, which never falls from call to call, is proven done.
    pub(super) fn covers(&mut self, offset: i64) -> bool {
        while self.done.runs.get(self.cursor).is_some_and(|run| run.end <= offset) {
            self.cursor += 1;
        }
        self.verified && self.done.runs.get(self.cursor).is_some_and(|run| run.contains(offset))
    }

    /// True once no run reaches to `position` or above it.
    pub(super) fn is_spent(&self, position: i64) -> bool {
        self.done.runs.last().is_none_or(|run| run.end <= position)
    }

    /// The runs that still lie at or above `position`, the first one cut to it.
    pub(super) fn runs_from(&self, position: i64) -> impl Iterator<Item = Run> + '_ {
        self.done.runs[self.cursor..]
            .iter()
            .map(move |run| Run::new(run.first.max(position), run.end))
            .filter(|run| !run.is_empty())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.done.runs.capacity() * size_of::<Run>()
    }
}
