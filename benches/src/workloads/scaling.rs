//! How cost grows: W1 with more and more partitions, and 1 ms of waiting with more and more records at once.

use super::{Workload, w1::W1};
use crate::task::{Side, Work};

/// How many partitions.
pub(crate) const PARTITIONS: [u16; 4] = [1, 16, 256, 1_024];
/// How many records at once.
pub(crate) const IN_FLIGHT: [u16; 4] = [64, 256, 1_024, 4_096];

/// W1 on so many partitions.
pub(crate) const fn partitions(partitions: u16) -> Workload {
    Workload {
        name: "partitions",
        about: "decode and one cheap function",
        partitions,
        sides: &[Side::Raw, Side::Healer],
        absent: &[],
        bars: &[],
        ..W1
    }
}

/// Records that wait, so many of them at once.
pub(crate) const fn in_flight(calls: u16) -> Workload {
    Workload {
        name: "in-flight",
        about: "1 ms of waiting, no order",
        work: Work::AtOnce { calls },
        sides: &[Side::Healer],
        absent: &[],
        bars: &[],
        ..W1
    }
}
