//! W1 with each side's own defaults, which let the fetcher of the raw loop rest.

use super::{Bar, Workload, no_peers};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const BESIDE_RAW: &str = "this one is about the client's defaults and healer's";

pub(super) const W1_DEFAULTS: Workload = Workload {
    name: "W1-defaults",
    about: "decode and one cheap function, out of the box",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Decode,
    tuned: false,
    pace: None,
    stops: false,
    sides: &[Side::Raw, Side::Healer],
    absent: &no_peers(BESIDE_RAW),
    // More memory buys the speed here: healer never lets the fetcher rest.
    bars: &[Bar::Raw(3.0)],
};
