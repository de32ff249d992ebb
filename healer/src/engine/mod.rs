//! What runs a pipeline: `core` decides, `driver` carries out.

mod circuits;
mod core;
mod driver;
mod host;
mod memory;
mod runtime;
mod sends;
mod shared;

pub(crate) use circuits::Circuits;
pub use circuits::OpenCircuit;
pub use core::{Blocked, CommitHealth, HeldBack, HeldPartition, PartitionState, PartitionStatus, Stalled};
pub(crate) use core::{decode_metadata, is_of_a_pipeline};
pub use driver::{Commits, CommittedOffset, Handle, Health, Phase, SeekError, SeekTo, WaitingForPartitions};
pub(crate) use driver::{Connect, Launch, Leash, Mode, launch};
#[cfg(feature = "testing")]
pub(crate) use driver::{Station, Turner, keep, prepare};
pub use host::Host;
pub(crate) use memory::{Held, Memory, RECORD};
pub(crate) use runtime::{Runtime, Worker};
pub use sends::SendHealth;
pub(crate) use sends::{Sends, Waiting};
pub(crate) use shared::{Shared, Sharing};
