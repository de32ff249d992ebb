//! W6: batches of 500 records into `SQLite`, each in one transaction that is on the disk before anything is committed.

use super::{Bar, Workload};
use crate::{
    supply::Key,
    task::{Side, Work},
};

/// Why the others are not asked.
const OWN_BATCHES: &str =
    "each batches in a way of its own; this one is about the cost beside the loop by hand";
/// Why the one without batches is not asked.
const NO_BATCH: &str = "a topology has no batch that is done as a whole";

pub(super) const W6: Workload = Workload {
    name: "W6",
    about: "batches of 500 into SQLite, one transaction each",
    partitions: 4,
    key: Key::TailNumber,
    work: Work::Save,
    tuned: true,
    pace: None,
    stops: false,
    sides: &[Side::Raw, Side::Healer],
    absent: &[
        (Side::Arroyo, OWN_BATCHES),
        (Side::Ruststream, OWN_BATCHES),
        (Side::RuststreamTracked, OWN_BATCHES),
        (Side::Streams, NO_BATCH),
        (Side::ParallelConsumer, OWN_BATCHES),
    ],
    bars: &[Bar::Raw(0.95)],
};
