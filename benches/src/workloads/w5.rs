//! W5: W1 with records that fail twice before they go through.

use super::{Bar, Workload};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const NO_RETRY: &str = "has no retry that keeps the record in its place";

const fn failing(
    name: &'static str,
    about: &'static str,
    (backoff_ms, only): (u64, Option<i32>),
    sides: &'static [Side],
    bars: &'static [Bar],
) -> Workload {
    Workload {
        name,
        about,
        partitions: 4,
        key: Key::TailNumber,
        work: Work::Flaky { every: 1_000, backoff_ms, only },
        tuned: true,
        pace: None,
        stops: false,
        sides,
        absent: &[
            (Side::Arroyo, NO_RETRY),
            (Side::Ruststream, NO_RETRY),
            (Side::RuststreamTracked, NO_RETRY),
            (Side::Streams, NO_RETRY),
        ],
        bars,
    }
}

pub(super) const W5: [Workload; 2] = [
    failing(
        "W5",
        "W1, one record in 1,000 fails twice, pauses of 1 ms",
        (1, None),
        &[Side::Raw, Side::Healer],
        &[],
    ),
    failing(
        "W5-100ms",
        "W1, one record in 1,000 of one partition fails twice, pauses of 100 ms; the other partitions' records count",
        (100, Some(0)),
        &[Side::Raw, Side::Healer, Side::HealerCalm],
        &[Bar::Calm(0.95)],
    ),
];
