//! The functions of the pipelines, and the pipelines.

use healer::prelude::*;

use crate::{flight::Flight, tally::Tally};

/// One record in so many fails, if any; in all partitions, or in only one, whose records do not count then.
pub(super) struct Fails {
    pub(super) every: Option<i64>,
    pub(super) only: Option<i32>,
}

/// The minutes that a flight was late.
#[stage]
fn delay(flight: &Flight, #[state] tally: &Tally) -> i64 {
    let minutes = flight.minutes();
    tally.count(minutes);
    minutes
}

/// The length of a value.
#[stage]
fn length(value: &Vec<u8>, #[state] tally: &Tally) -> i64 {
    let length = i64::try_from(value.len()).unwrap_or(i64::MAX);
    tally.count(length);
    length
}

/// As `delay`, after a pause.
#[stage(parallel = 64)]
async fn slow_delay(flight: Flight, #[state] tally: &Tally) -> i64 {
    let minutes = flight.minutes();
    tally.wait(minutes).await;
    minutes
}

/// As `delay`, and fails twice at some records.
#[stage(retry(3, backoff = "1ms", jitter = false))]
fn flaky_delay(
    flight: &Flight,
    ctx: &Context,
    #[state] tally: &Tally,
    #[state] fails: &Fails,
) -> Result<i64, &'static str> {
    fail_twice(flight, ctx, tally, fails)
}

/// The same with longer pauses.
#[stage(retry(3, backoff = "100ms", jitter = false))]
fn flaky_delay_100(
    flight: &Flight,
    ctx: &Context,
    #[state] tally: &Tally,
    #[state] fails: &Fails,
) -> Result<i64, &'static str> {
    fail_twice(flight, ctx, tally, fails)
}

fn fail_twice(flight: &Flight, ctx: &Context, tally: &Tally, fails: &Fails) -> Result<i64, &'static str> {
    let may_fail = fails.only.is_none_or(|only| only == ctx.partition());
    if may_fail && fails.every.is_some_and(|every| ctx.offset() % every == 0) && ctx.attempt() < 3 {
        return Err("asked to fail");
    }
    let minutes = flight.minutes();
    if fails.only != Some(ctx.partition()) {
        tally.count(minutes);
    }
    Ok(minutes)
}

/// Decode and add up.
pub(super) fn decode(topic: &str) -> App {
    pipeline! {
        name "decode";
        flights = kafka::json::<Flight>(topic) => delay;
        flights => heal;
    }
}

/// Add up lengths.
pub(super) fn bytes(topic: &str) -> App {
    pipeline! {
        name "bytes";
        values = kafka::bytes(topic) => length;
        values => heal;
    }
}

/// Decode, wait, add up.
pub(super) fn sleep(topic: &str) -> App {
    pipeline! {
        name "sleep";
        flights = kafka::json::<Flight>(topic) => slow_delay;
        flights => heal;
    }
}

/// Decode and add up, some records fail.
pub(super) fn flaky(topic: &str) -> App {
    pipeline! {
        name "flaky";
        flights = kafka::json::<Flight>(topic) => flaky_delay;
        flights => heal;
    }
}

/// The same with longer pauses.
pub(super) fn flaky_100(topic: &str) -> App {
    pipeline! {
        name "flaky-100";
        flights = kafka::json::<Flight>(topic) => flaky_delay_100;
        flights => heal;
    }
}
