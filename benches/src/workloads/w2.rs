//! W2: 1 ms of waiting for each record, in the order of the keys.

use super::{Workload, waiting};
use crate::supply::Key;

const ABOUT: &str = "1 ms of waiting, key order, 64 at once, 4 partitions";

pub(super) const W2: [Workload; 3] = [
    waiting("W2", ABOUT, 4, Key::TailNumber, 1_000),
    waiting("W2-carrier", ABOUT, 4, Key::Carrier, 1_000),
    waiting("W2-zipf", ABOUT, 4, Key::Zipf, 1_000),
];
