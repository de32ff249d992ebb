//! Flights that left New York City in 2013: decode, drop the cancelled ones, add up the delays.

use anyhow::Result;
use healer::prelude::*;
use healer_tests::{flights, kafka::Record};
use serde::Deserialize;

use super::Supply;
use crate::tally::Tally;

/// How many partitions the topic has.
const PARTITIONS: u16 = 4;

/// A flight with all its columns, as a user would decode it.
#[expect(
    clippy::struct_field_names,
    reason = "a flight has a number of its own, and the column is called so"
)]
#[expect(dead_code, reason = "what is not used is decoded all the same, on all sides")]
#[derive(Debug, Deserialize)]
pub(crate) struct Flight {
    year: i64,
    month: i64,
    day: i64,
    dep_time: Option<i64>,
    sched_dep_time: i64,
    dep_delay: Option<i64>,
    arr_time: Option<i64>,
    sched_arr_time: i64,
    arr_delay: Option<i64>,
    carrier: String,
    flight: i64,
    tailnum: Option<String>,
    origin: String,
    dest: String,
    air_time: Option<i64>,
    distance: i64,
    hour: i64,
    minute: i64,
    time_hour: String,
}

/// Lets through the flights that took off.
#[stage(skip = "cancelled")]
pub(crate) fn flown(flight: Flight, #[state] tally: &Tally) -> Option<Flight> {
    tally.saw_record();
    flight.dep_time.is_some().then_some(flight)
}

/// The minutes that a flight was late, departure and arrival together.
#[stage]
pub(crate) fn delay(flight: &Flight, #[state] tally: &Tally) -> i64 {
    let minutes = flight.dep_delay.unwrap_or(0) + flight.arr_delay.unwrap_or(0);
    tally.add(minutes);
    minutes
}

/// The work on one record without healer: the same functions, called by hand.
pub(crate) fn by_hand(value: &[u8], tally: &Tally) -> serde_json::Result<()> {
    let flight: Flight = serde_json::from_slice(value)?;
    if let Some(flight) = flown(flight, tally) {
        delay(&flight, tally);
    }
    Ok(())
}

/// The work as a pipeline.
pub(crate) fn pipeline(topic: &str) -> App {
    pipeline! {
        name "flights-bench";
        flights = kafka::json::<Flight>(topic) => flown => delay;
        flights => heal;
    }
}

/// All real flights, or the committed sample where the file is missing.
pub(super) fn supply() -> Result<Supply> {
    let (path, origin) = match flights::whole() {
        Ok(path) => (path, "all flights from New York City in 2013"),
        Err(missing) => {
            eprintln!("{missing:#}; the committed sample is repeated instead");
            (flights::sample(), "the committed sample of flights from New York City in 2013")
        }
    };
    let records = flights::read(&path)?.map(|flight| flight.map(Record::from)).collect::<Result<_>>()?;
    Ok(Supply { records, origin: origin.to_owned(), partitions: PARTITIONS })
}
