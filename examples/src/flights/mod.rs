//! The parts of the program `flights`: a year of real flights, joined with the planes that flew them, saved to a
//! database, and the late ones sent on to a topic of their own.
//!
//! The pipeline itself stands in `src/bin/flights.rs`; its stages are in [`stages`]. Any service has the rest: a
//! [`model`], something to look up ([`planes`]), somewhere to write ([`database`]), [`options`], and its messages.

pub mod data;
pub mod database;
pub mod load;
pub mod model;
pub mod options;
pub mod planes;
pub mod progress;
pub mod stages;
pub mod summary;
