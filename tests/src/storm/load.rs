//! Flights that keep coming.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Ground;
use crate::flights::{self, Flight};
use crate::kafka::Record;

/// How fast flights come, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Flights a second.
    pub rate: u32,
    /// How long they keep coming.
    pub lasting: Duration,
}

/// The header that tells one flight from another: the sample comes round again and again.
pub(super) const NUMBER: &str = "number";

impl Ground<'_> {
    /// Produces real flights, the sample round and round, each with a number in its headers; says how many the broker has
    /// acknowledged. Ends early when it is over.
    ///
    /// # Errors
    /// The sample cannot be read, or the broker does not acknowledge.
    pub fn load(&self, load: Load, over: &AtomicBool) -> Result<u64> {
        let sample: Vec<Flight> = flights::read(&flights::sample())?.collect::<Result<_>>()?;
        let began = Instant::now();
        let flights = (0_u32..).zip(sample.into_iter().cycle()).map_while(|(number, flight)| {
            let due = Duration::from_secs(1) * number / load.rate;
            if due > load.lasting || over.load(Ordering::Relaxed) {
                return None;
            }
            thread::sleep(due.saturating_sub(began.elapsed()));
            Some(Record::from(flight).header(NUMBER, number.to_string()))
        });
        self.kafka.produce(&self.topic, flights)
    }
}
