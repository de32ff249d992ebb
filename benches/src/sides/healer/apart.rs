//! Batches that are taken apart.

use healer::prelude::*;

use crate::{flight::Flight, tally::Tally};

/// As `delay`, in a task.
#[stage]
#[allow(clippy::unused_async)] // it runs as a task
async fn later_delay(flight: Flight, #[state] tally: &Tally) -> i64 {
    let minutes = flight.minutes();
    tally.count(minutes);
    minutes
}

/// Decode, gather, take apart, add up.
pub(super) fn apart(topic: &str) -> App {
    pipeline! {
        name "apart";
        flights = kafka::json::<Flight>(topic) => batch(500, within = "1s") => unbatch() => later_delay;
        flights => heal;
    }
}

/// Decode, add up.
pub(super) fn singly(topic: &str) -> App {
    pipeline! {
        name "singly";
        flights = kafka::json::<Flight>(topic) => later_delay;
        flights => heal;
    }
}
