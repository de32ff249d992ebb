//! A broker that is killed under load and comes back: the program stays up, rests meanwhile, and loses nothing.

use std::io::{Write as _, stderr};
use std::time::Duration;

use healer_tests::kafka::{RealKafka, RealKafkaOptions};
use healer_tests::outage::endure;

/// The share of a core that says that something spins. The command `outage` tells and bounds the share of a program that only
/// waits, on a machine that does nothing else.
const SPINS: f64 = 0.2;

fn survives(protocol: &str) {
    let Some(kafka) = RealKafka::own_for_test(RealKafkaOptions::default()) else { return };
    let endured = endure(&kafka, protocol, Duration::from_secs(23)).unwrap();
    let share = 100.0 * endured.cpu;
    // Past the capture of the test runner: the figure is of interest also where it is right.
    let _ = writeln!(stderr(), "{protocol}: {share:.2}% of a core while the broker was down");
    assert!(endured.cpu < SPINS, "{share:.2}% of a core is too much for a program that waits");
}

#[test]
fn a_killed_broker_costs_nothing_but_time_with_the_classic_protocol() {
    survives("classic");
}

#[test]
fn a_killed_broker_costs_nothing_but_time_with_the_consumer_protocol() {
    survives("consumer");
}
