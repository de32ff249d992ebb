//! The records: real flights with the keys that a workload asks for, repeated as often as a measurement needs.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use healer_tests::{
    flights,
    kafka::{RealKafka, Record},
    zipf::Zipf,
};
use serde::{Deserialize, Serialize};

use crate::{figures::float, flight::Flight, task::Work};

/// How many keys `Zipf(1.0)` chooses from: about as many as there are tail numbers.
const ZIPF_KEYS: u32 = 4_000;
/// Every run chooses the same keys.
const SEED: u64 = 2_013;

/// The keys of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    /// Some 4,000 tail numbers, nearly even.
    TailNumber,
    /// 16 carriers; the largest has 17 in a hundred records.
    Carrier,
    /// The key of rank n comes n times less often than the first.
    Zipf,
}

impl Key {
    /// In words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::TailNumber => "keys are tail numbers",
            Self::Carrier => "keys are 16 carriers",
            Self::Zipf => "keys are Zipf(1.0)",
        }
    }

    /// Its name in topics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TailNumber => "tailnum",
            Self::Carrier => "carrier",
            Self::Zipf => "zipf",
        }
    }
}

/// All real flights.
pub(crate) struct Supply {
    records: Vec<Record>,
    minutes: Vec<i64>,
    carriers: Vec<Vec<u8>>,
    /// Where they come from, in words.
    pub(crate) origin: &'static str,
}

impl Supply {
    /// Reads all real flights, or the committed sample where the file is missing.
    pub(crate) fn read() -> Result<Self> {
        let (path, origin) = match flights::whole() {
            Ok(path) => (path, "all flights from New York City in 2013"),
            Err(missing) => {
                eprintln!("{missing:#}; the committed sample is repeated instead");
                (flights::sample(), "the committed sample of flights from New York City in 2013")
            }
        };
        let mut supply = Self { records: Vec::new(), minutes: Vec::new(), carriers: Vec::new(), origin };
        for flight in flights::read(&path)? {
            let record = Record::from(flight?);
            let value = record.value.as_deref().context("a flight without a value")?;
            let flight: Flight = serde_json::from_slice(value)?;
            supply.minutes.push(flight.minutes());
            supply.carriers.push(flight.into_carrier().into_bytes());
            supply.records.push(record);
        }
        Ok(supply)
    }

    /// The sum of the first so many records, so that no side is believed.
    pub(crate) fn sum(&self, work: Work, records: u64) -> Result<i64> {
        let count = usize::try_from(records)?;
        Ok(match work {
            Work::Bytes => {
                let lengths = self.records.iter().map(|record| record.value.as_ref().map_or(0, Vec::len));
                i64::try_from(lengths.cycle().take(count).sum::<usize>())?
            }
            // All others add up minutes.
            _ => self.minutes.iter().cycle().take(count).sum(),
        })
    }

    /// The first so many records with their keys.
    pub(crate) fn keyed(&self, key: Key, records: u64) -> Result<impl Iterator<Item = Record>> {
        let count = usize::try_from(records)?;
        let mut zipf = Zipf::new(SEED, ZIPF_KEYS);
        let carriers = self.carriers.iter().cycle();
        Ok(self.records.iter().cycle().zip(carriers).take(count).map(move |(record, carrier)| {
            let mut record = record.clone();
            match key {
                Key::TailNumber => {}
                Key::Carrier => record.key = Some(carrier.clone()),
                Key::Zipf => record.key = Some(zipf.draw().to_string().into_bytes()),
            }
            record
        }))
    }

    /// Which part of the first so many records has the key that most of them have.
    pub(crate) fn longest_share(&self, key: Key, records: u64) -> Result<f64> {
        let mut counts = HashMap::<Vec<u8>, u64>::new();
        // Records without a key are in no order among each other but that of their partition, and are few.
        for key in self.keyed(key, records)?.filter_map(|record| record.key) {
            *counts.entry(key).or_default() += 1;
        }
        let longest = counts.into_values().max().unwrap_or(0);
        Ok(float(longest) / float(records.max(1)))
    }

    /// Makes a topic and fills it.
    pub(crate) fn fill(
        &self,
        kafka: &RealKafka,
        topic: &str,
        partitions: u16,
        key: Key,
        records: u64,
    ) -> Result<()> {
        kafka.create_topic(topic, partitions, &[])?;
        kafka.produce(topic, self.keyed(key, records)?)?;
        Ok(())
    }
}
