//! The driver over a group whose words a test chooses, also those that a client of Kafka hardly ever says.

mod group;
mod latest;
mod ranges;
mod rig;
mod saves;
mod starts;
mod state;
mod threads;
#[cfg(feature = "logs")]
mod told;
mod wishes;
