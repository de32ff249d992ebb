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
//! let orders = kafka::string("orders").on_error(OnError::dead_letter("orders.dead")).stream("orders");
//! let app = App::new("payments").add(orders.then(charge::stage()).heal());
//! # }
//! ```
//!
//! Where the topic differs from deployment to deployment, leave it to the [configuration](crate::ConfigBuilder::dead_letter_topic):
//! `#[stage(on_error = dead_letter)]`, [`OnError::ConfiguredDeadLetter`](crate::OnError::ConfiguredDeadLetter).
//!
//! # What holds
//! - The letter has the record's key, value and headers, as they came in, and headers that say what went wrong: the constants of
//!   this module. Its time is that of now, so that the topic takes and keeps it however old the record is; the record's own is in
//!   [`TIMESTAMP`]. Headers whose names are not UTF-8 cannot be written again: [`DROPPED`] says how many. A record that goes several ways, or becomes many values, may
//!   become several letters: one for each run of nodes between two boundaries.
//! - The record is done when the broker has acknowledged the letter, not before. Until then its partition rests: nothing more
//!   of it is taken up (what waits in tasks already, up to `in_flight`, goes on), and nothing beyond the record is committed. While the topic cannot be reached, the record stays pending
//!   and the letter is sent again, with growing pauses up to 10 s; each attempt that failed is logged.
//! - A letter that can never be sent stops the pipeline with [`RecordErrorKind::DeadLetter`](crate::RecordErrorKind), and the
//!   record stays uncommitted: the topic does not exist, a right is missing, or it is too large. Before it is too large, what
//!   healer adds is shortened: first the error to its first 100 bytes, then everything but [`TOPIC`], [`PARTITION`], [`OFFSET`],
//!   [`TIMESTAMP`] and [`STAGE`], then those two.
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
mod redrive;
mod redriven;
mod run;

use crate::context::Headers;

pub use letter::DeadLetter;
pub use redrive::Redrive;
pub use redriven::{Kept, Redriven, Why};

/// The topic that the record was read from.
pub const TOPIC: &str = "healer-topic";
/// The partition that it was read from.
pub const PARTITION: &str = "healer-partition";
/// Its offset there.
pub const OFFSET: &str = "healer-offset";
/// Its timestamp in milliseconds since 1970; of a record that was sent back the one that it had first. Absent where it has none.
pub const TIMESTAMP: &str = "healer-timestamp";
/// Its [identity](crate::Context::emit_id) in logs and traces; of a record that was sent back that of its first life.
pub const EMIT_ID: &str = "healer-emit-id";
/// The stage that it failed at, by its own name: no other of the pipeline has it.
pub const STAGE: &str = "healer-stage";
/// The path of that stage: the names from its source on.
pub const PATH: &str = "healer-path";
/// How often that stage tried.
pub const ATTEMPTS: &str = "healer-attempts";
/// The last error with its sources, up to 8 KiB.
pub const ERROR: &str = "healer-error";
/// How many headers of the record the letter lacks, since their names are not UTF-8. Absent where it lacks none.
pub const DROPPED: &str = "healer-dropped-headers";

/// Where a record that was sent back was read first, as `orders[3]@42`: see [`Context::origin`](crate::Context::origin).
pub const ORIGIN: &str = "healer-origin";
/// How often the record was sent back to its topic: see [`Redrive`]. Absent where it never was.
pub const REDRIVES: &str = "healer-redrives";

/// What a record that was sent back has of its letter.
pub(crate) const OF_REDRIVEN: [&str; 3] = [REDRIVES, TIMESTAMP, ORIGIN];

/// What each letter says anew.
pub(crate) const OURS: [&str; 9] = [TOPIC, PARTITION, OFFSET, EMIT_ID, STAGE, PATH, ATTEMPTS, ERROR, DROPPED];

/// How often a record was sent back, by its headers.
pub(crate) fn redrives(headers: &Headers) -> u32 {
    let text = headers.get(REDRIVES).and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(|number| number.parse().ok()).unwrap_or(0)
}
