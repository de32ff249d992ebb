//! W7: one record is stuck until 1,000,000 above it, and those that are sent then, are done.

use super::{Bar, Pace, Workload, no_peers};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const BESIDE_RAW: &str = "this one is about what a stuck record costs healer";

pub(super) const W7: Workload = Workload {
    name: "W7",
    about: "one record is stuck below 1,000,000 that are done; then 10,000 records a second are sent and timed",
    // All records are above the stuck one.
    partitions: 1,
    key: Key::TailNumber,
    work: Work::Stuck,
    tuned: true,
    // Memory is compared between the two ends.
    pace: Some(Pace { steps: &[100_000, 900_000], per_second: 10_000 }),
    stops: false,
    sides: &[Side::Raw, Side::Healer],
    absent: &no_peers(BESIDE_RAW),
    bars: &[Bar::Latency(2.0), Bar::Ledger(64.0)],
};
