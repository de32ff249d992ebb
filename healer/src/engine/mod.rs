//! The engine of a pipeline: `core` decides, `driver` carries out.

mod core;
mod driver;

pub use core::{Blocked, CommitHealth, HeldBack, HeldPartition, PartitionState, PartitionStatus, Stalled};
pub(crate) use core::{Tally, decode_metadata, is_of_a_pipeline};
pub use driver::{
    Commits, CommittedOffset, Handle, Health, PartitionReport, Phase, Report, SaveHealth, SeekError, SeekTo,
    WaitingForPartitions,
};
pub(crate) use driver::{Connect, Launch, Leash, Mode, launch};
#[cfg(feature = "testing")]
pub(crate) use driver::{Station, Turner, keep, prepare};
