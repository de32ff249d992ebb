//! What tests need: a Kafka inside the process, a simulated one, and records in memory.

mod embedded;
mod error;
mod in_memory;
mod partitioner;
mod record;
mod replay;
mod simulation;
#[cfg(test)]
mod tests;

pub use embedded::EmbeddedKafka;
pub use error::EmbeddedError;
pub use in_memory::InMemory;
pub use record::{Received, TestRecord};
pub use replay::{Replay, ReplayError, Replays, replay};
pub use simulation::{Passed, Simulation, SimulationFailure, SimulationReport, hold, is_calm};
