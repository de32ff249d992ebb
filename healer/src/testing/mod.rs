#![doc = include_str!("../docs/testing.md")]

mod batch;
mod context;
mod embedded;
mod error;
mod fit;
mod in_memory;
mod partitioner;
mod record;
mod replay;
mod simulation;
pub mod store;
#[cfg(test)]
mod tests;

pub use batch::{TestBatch, Transformed, batch, batch_mut, batch_mut_of, batch_of};
pub use context::{TestContext, context};
pub use embedded::EmbeddedKafka;
pub use error::EmbeddedError;
pub use in_memory::InMemory;
pub use record::{Received, TestRecord};
pub use replay::{Replay, ReplayError, Replays, replay};
pub use simulation::{Passed, Simulation, SimulationFailure, SimulationReport, hold, is_calm};
