//! Dead letters: records that failed for good, put aside in a topic.
//!
//! A stage, a source or the whole pipeline may say that a record which failed goes to a topic instead of stopping the
//! pipeline:
//!
//! ```
//! use healer::prelude::*;
//!
//! #[stage(retry(5, backoff = "100ms..10s"), timeout = "2s", on_error = dead_letter("orders.dead"))]
//! async fn charge(order: &String) -> Result<String, std::io::Error> {
//!     Ok(order.clone())
//! }
//!
//! # fn main() {
//! let orders = kafka::text("orders").on_error(OnError::dead_letter("orders.dead")).stream("orders");
//! let app = App::new("payments").chain(orders.then(charge::stage()).heal());
//! # }
//! ```
//!
//! Where the topic differs from deployment to deployment, leave it to the [configuration](crate::ConfigBuilder::dead_letter_topic):
//! `#[stage(on_error = dead_letter)]`, [`OnError::ConfiguredDeadLetter`](crate::OnError::ConfiguredDeadLetter).
//!
//! # Guarantees
//! - The letter has the record's key, value and headers, as they came in, and headers about the failure: the constants of
//!   this module. Its time is that of now, so that the topic takes and keeps it however old the record is; the record's own is in
//!   [`TIMESTAMP`]. Headers whose names are not UTF-8 cannot be written again: [`DROPPED`] says how many. A record that goes
//!   several ways, or becomes many values, may become several letters: one for each run of nodes between two boundaries.
//! - The record is done when the broker has acknowledged the letter, not before. Until then its partition rests: no more records
//!   of it are taken up (those that wait in tasks already, up to `in_flight`, go on), and nothing beyond the record is committed.
//!   While the topic cannot be reached, the record stays pending and the letter is sent again, with growing pauses up to 10 s;
//!   each attempt that failed is logged.
//! - A letter that can never be sent stops the pipeline with [`RecordErrorKind::DeadLetter`](crate::RecordErrorKind), and the
//!   record stays uncommitted: the topic does not exist, a right is missing, or the letter is too large. Before it is too large,
//!   the headers of healer are shortened: first the error to its first 100 bytes, then everything but [`TOPIC`], [`PARTITION`],
//!   [`OFFSET`], [`TIMESTAMP`] and [`STAGE`], then those two.
//! - After a crash a letter may be there twice, with the same [`TOPIC`], [`PARTITION`] and [`OFFSET`].
//! - A topic deletes letters when its `retention.ms` is over, counted from their writing, and a compacted topic keeps one letter a
//!   key.
//!
//! [`Redrive`] sends letters back to where their records came from.
//!
//! Of a batch single rows become dead letters, where the stage says `split`: see [`stage`](macro@crate::stage).

mod chunk;
mod destinations;
mod letter;
pub(crate) mod names;
mod redrive;
mod redriven;
mod run;

pub use letter::DeadLetter;
pub use names::{
    ATTEMPTS, DROPPED, EMIT_ID, ERROR, OFFSET, ORIGIN, PARTITION, PATH, REDRIVES, STAGE, TIMESTAMP, TOPIC,
};
pub use redrive::Redrive;
pub use redriven::{Kept, Redriven, Why};
