//! How long a record takes from its sending to the end of its function, at a speed that no side has trouble with.

use super::{Pace, Workload};
use crate::{
    supply::Key,
    task::{Side, Work},
};

pub(super) const LATENCY: Workload = Workload {
    name: "latency",
    about: "W1 while 10,000 records a second are sent; time from sending to the end of the function",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Timed,
    tuned: true,
    // Clients connect and code warms up before anything is timed.
    pace: Some(Pace { steps: &[20_000], per_second: 10_000 }),
    stops: false,
    sides: &[
        Side::Raw,
        Side::Healer,
        Side::Arroyo,
        Side::Ruststream,
        Side::RuststreamTracked,
        Side::Streams,
        Side::ParallelConsumer,
    ],
    absent: &[(Side::Limit, "nothing waits, so there is nothing to do at once")],
    bars: &[],
};
