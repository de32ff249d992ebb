//! W1: cheap work must stay cheap. Decode and one function.

use super::{Bar, Workload};
use crate::{
    supply::Key,
    task::{Side, Work},
};

pub(super) const W1: Workload = Workload {
    name: "W1",
    about: "decode and one cheap function",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Decode,
    tuned: true,
    pace: None,
    stops: false,
    sides: &[
        Side::Raw,
        Side::Healer,
        Side::HealerThreads,
        Side::Arroyo,
        Side::Ruststream,
        Side::RuststreamTracked,
        Side::Streams,
        Side::ParallelConsumer,
    ],
    absent: &[(Side::Limit, "nothing waits, so there is nothing to do at once")],
    bars: &[Bar::Raw(0.95), Bar::Threads(1.3), Bar::BestPeer(1.3), Bar::ExtraMemory(64.0)],
};
