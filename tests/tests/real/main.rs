//! Pipelines on a real Kafka.

mod basics;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod groups;
mod latest;
mod members;
mod outage;
mod scenarios;
mod sends;
mod sources;
mod start;
mod transactions;
mod waits;
