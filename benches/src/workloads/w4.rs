//! W4: 10 ms of waiting for each record, in the order of the keys.

use super::{Workload, waiting};
use crate::supply::Key;

const ABOUT: &str = "10 ms of waiting, key order, 64 at once, 4 partitions";

pub(super) const W4: [Workload; 3] = [
    waiting("W4", ABOUT, 4, Key::TailNumber, 10_000),
    waiting("W4-carrier", ABOUT, 4, Key::Carrier, 10_000),
    waiting("W4-zipf", ABOUT, 4, Key::Zipf, 10_000),
];
