//! The common ground of nodes and engine: the host that a lane is opened with, its tasks, its chain, and the items that pass through it.
//! Nodes reach tasks, time, state and producers only through it, and the engine knows nodes only as they are here.

#[cfg_attr(
    not(all(test, feature = "testing")),
    expect(dead_code, reason = "the first nodes that hear of time are in tests")
)]
mod alarm;
mod checkpoints;
mod circuits;
mod entry;
mod host;
mod members;
mod memory;
mod runtime;
mod scope;
mod sends;
mod shared;
pub(crate) mod stack;
mod state;
mod tasks;
mod visit;
mod waiting;

#[cfg(all(test, feature = "testing"))]
pub(crate) use alarm::Alarm;
pub(crate) use checkpoints::{Checkpoints, Kept};
pub(crate) use circuits::Circuits;
pub use circuits::OpenCircuit;
#[cfg(any(test, feature = "testing"))]
pub(crate) use entry::Run;
pub(crate) use entry::{CHUNK_TIME, ChunkLog, Credit, Entry, EntryLane};
pub use host::Host;
pub use members::LaneScope;
pub(crate) use memory::{Held, Memory};
pub(crate) use runtime::{Runtime, Worker};
pub(crate) use scope::SharedLane;
pub use sends::SendHealth;
pub(crate) use sends::Sends;
pub(crate) use shared::{Shared, Sharing};
pub(crate) use state::{Keeps, LaneState};
pub use visit::Visit;
pub(crate) use visit::{End, Obligation};
pub(crate) use waiting::Waiting;
