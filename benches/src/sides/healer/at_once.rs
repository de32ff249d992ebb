//! Records that wait, more and more of them at once. In no order: there are not keys enough for 4,096 of them.

use healer::prelude::*;

use crate::{flight::Flight, tally::Tally};

async fn wait(flight: &Flight, tally: &Tally) -> i64 {
    let minutes = flight.minutes();
    tally.wait(minutes).await;
    minutes
}

/// As the others of this name.
#[stage(parallel = 64, order = none)]
async fn wait_64(flight: Flight, #[state] tally: &Tally) -> i64 {
    wait(&flight, tally).await
}

/// As the others of this name.
#[stage(parallel = 256, order = none)]
async fn wait_256(flight: Flight, #[state] tally: &Tally) -> i64 {
    wait(&flight, tally).await
}

/// As the others of this name.
#[stage(parallel = 1024, order = none)]
async fn wait_1024(flight: Flight, #[state] tally: &Tally) -> i64 {
    wait(&flight, tally).await
}

/// As the others of this name.
#[stage(parallel = 4096, order = none)]
async fn wait_4096(flight: Flight, #[state] tally: &Tally) -> i64 {
    wait(&flight, tally).await
}

/// Decode, wait, add up; none where no stage has so many calls.
pub(super) fn at_once(topic: &str, calls: u16) -> Option<App> {
    Some(match calls {
        64 => pipeline! { name "at-once"; kafka::json::<Flight>(topic) => wait_64 => heal; },
        256 => pipeline! { name "at-once"; kafka::json::<Flight>(topic) => wait_256 => heal; },
        1_024 => pipeline! { name "at-once"; kafka::json::<Flight>(topic) => wait_1024 => heal; },
        4_096 => pipeline! { name "at-once"; kafka::json::<Flight>(topic) => wait_4096 => heal; },
        _ => return None,
    })
}
