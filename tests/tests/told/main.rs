//! A pipeline tells of itself: records that are given up, stages that rest, members without partitions, calls at work.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_async,
    reason = "stages of all kinds are what this is about"
)]

mod calls;
mod circuits;
#[path = "../common/mod.rs"]
mod common;
mod given_up;
mod lines;
mod numbers;
mod page;
mod waits;

use common::settings;
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

/// `topic` of one partition with these values, and `dead`.
fn filled(topic: &str, values: impl IntoIterator<Item = String>) -> EmbeddedKafka {
    let kafka = EmbeddedKafka::start().unwrap();
    kafka.create_topic(topic, 1).unwrap();
    kafka.create_topic("dead", 1).unwrap();
    kafka.produce(topic, values.into_iter().map(|value| TestRecord::new().value(value))).unwrap();
    kafka
}

fn config(kafka: &EmbeddedKafka) -> Config {
    settings(kafka.brokers(), "group").build().unwrap()
}
