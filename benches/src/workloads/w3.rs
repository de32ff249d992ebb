//! W3: as W2, with 64 partitions.

use super::{Workload, waiting};
use crate::supply::Key;

const ABOUT: &str = "1 ms of waiting, key order, 64 at once, 64 partitions";

pub(super) const W3: [Workload; 3] = [
    waiting("W3", ABOUT, 64, Key::TailNumber, 1_000),
    waiting("W3-carrier", ABOUT, 64, Key::Carrier, 1_000),
    waiting("W3-zipf", ABOUT, 64, Key::Zipf, 1_000),
];
