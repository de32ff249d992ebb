//! Flights that say when they were sent, and one that is stuck.

use healer::prelude::*;

use crate::{flight::Timed, tally::Tally};

/// The minutes that a flight was late, and how long its record took.
#[stage]
fn timed_delay(timed: &Timed, #[state] tally: &Tally) -> i64 {
    let minutes = timed.flight.minutes();
    tally.timed(timed.sent_us, minutes);
    minutes
}

/// The same at several records at once; the first record ends when all others are done.
#[stage(parallel = 64, order = none)]
async fn stuck_delay(timed: Timed, ctx: &Context, #[state] tally: &Tally) -> i64 {
    if ctx.offset() == 0 {
        tally.all_but_one().await;
    }
    timed_delay(&timed, tally)
}

/// Decode and add up.
pub(super) fn timed(topic: &str) -> App {
    pipeline! {
        name "timed";
        flights = kafka::json::<Timed>(topic) => timed_delay;
        flights => heal;
    }
}

/// Decode and add up, above a record that is stuck.
pub(super) fn stuck(topic: &str) -> App {
    pipeline! {
        name "stuck";
        flights = kafka::json::<Timed>(topic) => stuck_delay;
        flights => heal;
    }
}
