//! Batches into a database.

use healer::prelude::*;

use crate::{database::Database, flight::Flight, tally::Tally};

/// Saves a batch in one transaction; not asynchronous, so that the engine runs it where it may block.
#[stage(batch)]
fn save_rows(
    rows: &Batch<Flight>,
    #[state] database: &Database,
    #[state] tally: &Tally,
) -> Result<(), rusqlite::Error> {
    database.save(rows.iter().map(|(ctx, flight)| (ctx.partition(), ctx.offset(), flight)), tally)
}

/// Decode, collect, save.
pub(super) fn save(topic: &str) -> App {
    pipeline! {
        name "save";
        flights = kafka::json::<Flight>(topic) => batch(500, within = "1s") => save_rows;
        flights => heal;
    }
}
