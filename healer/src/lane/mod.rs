//! What a lane is opened with, and what passes through it: all that nodes and engine have in common. Nodes reach tasks, time, state and
//! brokers only through it, and the engine knows nodes only as it has them here.

mod checkpoints;
mod circuits;
mod entry;
mod host;
mod memory;
mod runtime;
mod sends;
mod shared;
pub(crate) mod stack;
mod visit;

pub(crate) use checkpoints::{CheckpointCell, Checkpoints, Kept, lock_kept};
pub(crate) use circuits::Circuits;
pub use circuits::OpenCircuit;
#[cfg(any(test, feature = "testing"))]
pub(crate) use entry::Run;
pub(crate) use entry::{CHUNK_TIME, ChunkLog, Credit, Entry, EntryLane};
pub use host::Host;
pub(crate) use memory::{Held, Memory};
pub(crate) use runtime::{Runtime, Worker};
pub use sends::SendHealth;
pub(crate) use sends::{Sends, Waiting};
pub(crate) use shared::{Shared, Sharing};
pub use visit::Visit;
pub(crate) use visit::{Claim, End};
