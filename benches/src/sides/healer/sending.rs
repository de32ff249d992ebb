//! Flights become something smaller, which is sent.

use healer::prelude::*;

use crate::{
    flight::{Delay, Flight},
    tally::Tally,
};

#[stage]
fn made(flight: Flight, #[state] tally: &Tally) -> Delay {
    tally.begin();
    Delay::of(flight)
}

/// Behind the sink: the broker has it.
#[stage]
fn acknowledged(delay: &Delay, #[state] tally: &Tally) {
    tally.count(delay.minutes);
}

/// Decode, make, encode, send, add up.
pub(super) fn send(topic: &str, output: &str) -> App {
    pipeline! {
        name "send";
        flights = kafka::json::<Flight>(topic) => made => kafka::to_json(output) => acknowledged;
        flights => heal;
    }
}
