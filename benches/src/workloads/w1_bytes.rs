//! W1 without decoding: only the cost of the side itself is left.

use super::{Bar, Workload, no_peers};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const BESIDE_RAW: &str = "this one is about the cost beside the raw loop alone";

pub(super) const W1_BYTES: Workload = Workload {
    name: "W1-bytes",
    about: "one cheap function on bytes, nothing is decoded",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Bytes,
    tuned: true,
    pace: None,
    stops: false,
    sides: &[Side::Raw, Side::Healer],
    absent: &no_peers(BESIDE_RAW),
    bars: &[Bar::Raw(0.80), Bar::ExtraMemory(64.0)],
};
