//! What tests need: a Kafka inside the process.

mod embedded;
mod error;
mod partitioner;
mod record;
mod simulation;
#[cfg(test)]
mod tests;

pub use embedded::EmbeddedKafka;
pub use error::EmbeddedError;
pub use record::{Received, TestRecord};
pub use simulation::{Passed, Simulation, SimulationFailure, SimulationReport, hold, is_calm};
