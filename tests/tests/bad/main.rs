//! Input that is at fault: records, settings and brokers.

#[path = "../common/mod.rs"]
mod common;
mod large;
mod records;
mod setup;
mod wire;
