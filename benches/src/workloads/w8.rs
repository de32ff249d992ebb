//! W8: JSON comes in and JSON goes out; a record counts when the broker has acknowledged the record that it became.

use super::{Workload, no_peers};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const BESIDE_RAW: &str = "each sends in a way of its own; this one is about the cost beside the loop by hand";

pub(super) const W8: Workload = Workload {
    name: "W8",
    about: "decode, one cheap function, encode and send; all that is sent is read back and counted",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Send,
    tuned: true,
    pace: None,
    stops: false,
    sides: &[Side::Raw, Side::Healer],
    absent: &no_peers(BESIDE_RAW),
    bars: &[],
};
