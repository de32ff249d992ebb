//! Flights and planes: ordinary types. Nothing here knows of Kafka.

use serde::{Deserialize, Serialize};

/// A flight that arrives this many minutes after its time, or more, is late.
pub const LATE_MINUTES: i32 = 60;

/// One flight from New York City; times are `hhmm`, local, delays are minutes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Flight {
    /// The year of departure.
    pub year: u16,
    /// The month of departure.
    pub month: u8,
    /// The day of departure.
    pub day: u8,
    /// When it left; none if it never did.
    pub dep_time: Option<u16>,
    /// When it was to leave.
    pub sched_dep_time: u16,
    /// How late it left; negative if early.
    pub dep_delay: Option<i32>,
    /// When it arrived.
    pub arr_time: Option<u16>,
    /// When it was to arrive.
    pub sched_arr_time: u16,
    /// How late it arrived; negative if early, none if it did not get where it was to go.
    pub arr_delay: Option<i32>,
    /// The airline, two letters.
    pub carrier: String,
    /// The flight's number.
    pub flight: u16,
    /// The number on the plane's tail.
    pub tailnum: Option<String>,
    /// The airport that it left.
    pub origin: String,
    /// The airport that it flew to.
    pub dest: String,
    /// Minutes in the air.
    pub air_time: Option<u16>,
    /// Miles.
    pub distance: u16,
    /// The hour that it was to leave at.
    pub hour: u8,
    /// The minute that it was to leave at.
    pub minute: u8,
    /// The hour that it was to leave at, with its date, in UTC.
    pub time_hour: String,
}

impl Flight {
    /// Whether it never left.
    pub fn is_cancelled(&self) -> bool {
        self.dep_time.is_none()
    }

    /// Whether it arrived late by [`LATE_MINUTES`] or more.
    pub fn is_late(&self) -> bool {
        self.arr_delay.is_some_and(|minutes| minutes >= LATE_MINUTES)
    }
}

/// A plane of the registry.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Plane {
    /// The number on its tail; the flight says it already.
    #[serde(skip_serializing)]
    pub tailnum: String,
    /// When it was built. A flight has a `year` of its own.
    #[serde(rename(serialize = "plane_year"))]
    pub year: Option<u16>,
    /// With fixed wings or as a rotorcraft, with how many engines.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The company that built it.
    pub manufacturer: Option<String>,
    /// The company's name for it.
    pub model: Option<String>,
    /// How many engines it has.
    pub engines: Option<u8>,
    /// How many seats it has.
    pub seats: Option<u16>,
    /// How fast it cruises, in miles per hour.
    pub speed: Option<u16>,
    /// The kind of its engines.
    pub engine: Option<String>,
}

/// A flight and its plane: in JSON the columns of both side by side, the plane's null where it is not known.
#[derive(Clone, Debug, Serialize)]
pub struct Enriched {
    /// The flight.
    #[serde(flatten)]
    pub flight: Flight,
    /// The plane that flew it.
    #[serde(flatten)]
    pub plane: Plane,
}
