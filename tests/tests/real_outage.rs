//! A broker that is killed under load and comes back: the program stays up, rests meanwhile, and loses nothing.

use std::io::{Write as _, stderr};
use std::time::Duration;

use healer_tests::kafka::{RealKafka, RealKafkaOptions};
use healer_tests::outage::endure;

/// The share of a core that a program may take while it waits; one that is not optimized takes half as much again.
const BOUND: f64 = if cfg!(debug_assertions) { 0.03 } else { 0.02 };

fn survives(protocol: &str) {
    let Some(kafka) = RealKafka::own_for_test(RealKafkaOptions::default()) else { return };
    let endured = endure(&kafka, protocol, Duration::from_secs(23)).unwrap();
    let share = 100.0 * endured.cpu;
    // Past the capture of the test runner: the figure is of interest also where it is right.
    let _ = writeln!(stderr(), "{protocol}: {share:.2}% of a core while the broker was down");
    assert!(endured.cpu < BOUND, "{share:.2}% of a core is too much for a program that waits");
}

#[test]
fn a_killed_broker_costs_nothing_but_time_with_the_classic_protocol() {
    survives("classic");
}

#[test]
fn a_killed_broker_costs_nothing_but_time_with_the_consumer_protocol() {
    survives("consumer");
}
