//! W9: batches of 500 records that are taken apart, and an asynchronous function of each record below.

use super::{Bar, Workload, no_peers};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const BESIDE_ITSELF: &str = "this one is about the cost of batches that are taken apart";

pub(super) const W9: Workload = Workload {
    name: "W9",
    about: "batches of 500, taken apart, then one asynchronous function of each record",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Apart,
    tuned: true,
    pace: None,
    stops: false,
    sides: &[Side::Healer, Side::HealerSingly],
    absent: &no_peers(BESIDE_ITSELF),
    // At most 1.3 times the time.
    bars: &[Bar::Singly(1.0 / 1.3)],
};
