//! The steps of the pipeline: plain functions over the types of the [`model`](super::model), callable and testable as
//! such. None of them sees an offset, so none can lose one.

use std::sync::atomic::{AtomicU64, Ordering};

use healer::prelude::*;

use super::{
    database::Database,
    model::{Enriched, Flight},
    planes::{NoAnswer, Planes},
};

/// Lets flights through that took off.
#[stage(skip = "cancelled")]
pub fn validate(flight: Flight) -> Option<Flight> {
    (!flight.is_cancelled()).then_some(flight)
}

/// Puts the plane beside its flight.
#[stage]
pub async fn enrich(flight: Flight, #[state] planes: &Planes) -> Enriched {
    let plane = planes.find(flight.tailnum.as_deref()).await;
    Enriched { flight, plane }
}

/// As [`enrich`], for up to 64 flights at once, those of one plane one after the other; a look-up without an answer is tried again.
///
/// # Errors
/// The registry did not answer: after the last attempt the pipeline ends, and a restart begins with this flight.
#[stage(parallel = 64, retry(4, backoff = "20ms..100ms"))]
pub async fn enrich_many(
    flight: Flight,
    ctx: &Context,
    #[state] planes: &Planes,
) -> Result<Enriched, NoAnswer> {
    let plane = planes.ask(flight.tailnum.as_deref(), ctx.offset(), ctx.attempt()).await?;
    Ok(Enriched { flight, plane })
}

/// Lets flights through that arrived late.
#[stage(skip = "on time")]
pub fn late_only(flight: Enriched, #[state] late: &LateFlights) -> Option<Enriched> {
    flight.flight.is_late().then(|| {
        late.0.fetch_add(1, Ordering::Relaxed);
        flight
    })
}

/// Saves a batch in one transaction: its records are healed together when it is on the disk, or not at all.
///
/// Not asynchronous: the engine runs it where it may block.
///
/// # Errors
/// The database cannot be written: the pipeline ends, the batch is not committed, and a restart begins with it.
#[stage(batch)]
pub fn save(rows: &Batch<Enriched>, #[state] database: &Database) -> Result<(), rusqlite::Error> {
    database.save(rows)
}

/// Counts the late flights of this run.
#[derive(Debug, Default)]
pub struct LateFlights(AtomicU64);

impl LateFlights {
    /// How many there were; one that came twice, since a crash or a rebalance replayed it, counts twice.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flights::{data, model::Plane};

    #[tokio::test]
    async fn stages_are_plain_functions() {
        let (flights, planes) = (data::sample().unwrap(), Planes::load(Duration::ZERO).unwrap());
        let late = LateFlights::default();
        let mut flown = 0;
        for flight in flights.into_iter().filter_map(validate) {
            flown += 1;
            let flight = enrich(flight, &planes).await;
            let is_late = flight.flight.is_late();
            assert_eq!(late_only(flight, &late).is_some(), is_late);
        }
        assert_eq!((flown, late.count()), (19_512, 1_719));
    }

    #[tokio::test]
    async fn columns_of_flight_and_plane_stand_side_by_side() {
        let planes = Planes::load(Duration::ZERO).unwrap();
        let flight = data::sample()
            .unwrap()
            .into_iter()
            .find(|flight| flight.tailnum.as_deref() == Some("N14228"))
            .unwrap();
        let json = serde_json::to_value(enrich(flight.clone(), &planes).await).unwrap();
        assert_eq!(json["year"], 2013);
        assert_eq!(json["plane_year"], 1999);
        assert_eq!(json["tailnum"], "N14228");
        assert_eq!(json["manufacturer"], "BOEING");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(19 + 8));

        let unknown = serde_json::to_value(Enriched { flight, plane: Plane::default() }).unwrap();
        assert!(unknown["manufacturer"].is_null() && unknown["plane_year"].is_null());
    }
}
