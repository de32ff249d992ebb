//! A flight out of New York City, as every side decodes it.

use serde::{Deserialize, Serialize};

/// A flight with all its columns, as a user would decode it.
#[expect(
    clippy::struct_field_names,
    reason = "a flight has a number of its own, and the column is called so"
)]
#[expect(dead_code, reason = "what is not used is decoded all the same, on all sides")]
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Flight {
    year: i64,
    month: i64,
    day: i64,
    dep_time: Option<i64>,
    sched_dep_time: i64,
    pub(crate) dep_delay: Option<i64>,
    arr_time: Option<i64>,
    sched_arr_time: i64,
    pub(crate) arr_delay: Option<i64>,
    pub(crate) carrier: String,
    pub(crate) flight: i64,
    pub(crate) tailnum: Option<String>,
    pub(crate) origin: String,
    pub(crate) dest: String,
    air_time: Option<i64>,
    pub(crate) distance: i64,
    hour: i64,
    minute: i64,
    pub(crate) time_hour: String,
}

/// A flight that says when it was sent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Timed {
    /// Microseconds since 1970; 0 where the record is not timed.
    pub(crate) sent_us: u64,
    pub(crate) flight: Flight,
}

/// The value that is sent of a flight.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Delay {
    pub(crate) carrier: String,
    pub(crate) flight: i64,
    pub(crate) minutes: i64,
}

impl Delay {
    pub(crate) fn of(flight: Flight) -> Self {
        Self { minutes: flight.minutes(), flight: flight.flight, carrier: flight.carrier }
    }
}

impl Flight {
    /// The minutes that it was late, departure and arrival together; none where it was cancelled.
    pub(crate) fn minutes(&self) -> i64 {
        self.dep_delay.unwrap_or(0) + self.arr_delay.unwrap_or(0)
    }

    /// The carrier that flew.
    pub(crate) fn into_carrier(self) -> String {
        self.carrier
    }
}
