//! The offsets done above the frontier: the complement of the pending ones, never kept apart from them.

use super::Ledger;
use super::run::Run;

impl Ledger {
    /// The runs of offsets done above the frontier: ascending, never touching, none holding the frontier.
    ///
    /// Offsets that the log skipped lie within these runs, see [`Ledger`]: a marker after every transaction
    /// would otherwise cut them into as many pieces as there were transactions. Offsets above the position that a verified claim
    /// proves are included, so that a second restart does not forget them.
    pub fn done_above(&self) -> impl Iterator<Item = Run> + '_ {
        let frontier = self.frontier();
        let mut pending = self.pending.runs();
        let mut claimed = self
            .claim
            .as_ref()
            .filter(|claim| claim.is_verified())
            .into_iter()
            // With nothing pending the frontier is the position, and a run may not hold it.
            .flat_map(move |claim| claim.runs_from(self.next.max(frontier.saturating_add(1))))
            .peekable();
        let mut done_since = pending.next().map(|run| run.end);
        std::iter::from_fn(move || {
            while let Some(first) = done_since {
                if let Some(run) = pending.next() {
                    done_since = Some(run.end);
                    return Some(Run::new(first, run.first));
                }
                done_since = None;
                // The stretch up to the position may go on in the claim without a seam.
                let end = claimed.next_if(|run| run.first == self.next).map_or(self.next, |run| run.end);
                if first < end {
                    return Some(Run::new(first, end));
                }
            }
            claimed.next()
        })
    }

    /// The most bytes that [`offset_map::encode`](crate::offset_map::encode) makes of [`done_above`](Self::done_above), in
    /// `O(1)`; offsets that a claim adds above the position are left out.
    pub fn map_bytes_at_most(&self) -> u64 {
        let span = Run::new(self.frontier(), self.next).len();
        let (runs, pending) = (self.pending.run_count(), self.pending());
        let done = span.saturating_sub(pending);
        if done == 0 || runs == 0 {
            return 0;
        }
        // A number of `b` bits takes at most `(b + 6) / 7` bytes, and the numbers of `runs` runs have the most bits when
        // they are all alike: as logarithms are concave, no other split of `pending` and `done` offsets takes more.
        let bits = |offsets: u64| u64::from(u64::BITS - (offsets.div_ceil(runs) - 1).leading_zeros());
        let as_runs = runs.saturating_mul(14 + bits(pending) + bits(done)).div_ceil(7);
        let as_bits = (span - 1).div_ceil(8);
        1 + if as_bits < crate::offset_map::MAX_BYTES as u64 { as_runs.min(as_bits) } else { as_runs }
    }
}
