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
//! # What holds
//! - The letter has the record's key, value, timestamp and headers, as they came in, and headers that say what went wrong:
//!   the constants of this module. A record that goes several ways, or becomes many values, may
//!   become several letters: one for each run of nodes between two boundaries.
//! - The record is done when the broker has acknowledged the letter, not before. Until then its partition rests: nothing more
//!   of it is taken up (what waits in tasks already, up to `in_flight`, goes on), and nothing beyond the record is committed. While the topic cannot be reached, the record stays pending
//!   and the letter is sent again, with growing pauses up to 10 s; each attempt that failed is logged.
//! - A letter that can never be sent stops the pipeline with [`RecordErrorKind::DeadLetter`](crate::RecordErrorKind), and the
//!   record stays uncommitted: the topic does not exist, a right is missing, or it is too large. Before it is too large, what
//!   healer adds is shortened: first the error to its first 100 bytes, then everything but [`TOPIC`], [`PARTITION`] and
//!   [`OFFSET`].
//! - After a crash a letter may be there twice, with the same [`TOPIC`], [`PARTITION`] and [`OFFSET`].
//! - A letter keeps the time of its record. A topic whose `retention.ms` is shorter than records are old deletes it at once, and a
//!   compacted topic keeps one letter a key.
//!
//! [`Redrive`] sends letters back to where their records came from.
//!
//! Of a batch single rows become dead letters, where the stage says `split`: see [`stage`](macro@crate::stage).

mod letter;
mod redrive;
mod run;

pub use letter::DeadLetter;
pub use redrive::{Redrive, Redriven};

/// The topic that the record was read from.
pub const TOPIC: &str = "healer-topic";
/// The partition that it was read from.
pub const PARTITION: &str = "healer-partition";
/// Its offset there.
pub const OFFSET: &str = "healer-offset";
/// Its timestamp in milliseconds since 1970, also where the dead-letter topic has times of its own; of a record that was sent
/// back the one that it had first. Absent where it has none.
pub const TIMESTAMP: &str = "healer-timestamp";
/// Its [identity](crate::Context::emit_id) in logs and traces.
pub const EMIT_ID: &str = "healer-emit-id";
/// The path of the stage that it failed at.
pub const STAGE: &str = "healer-stage";
/// How often that stage tried.
pub const ATTEMPTS: &str = "healer-attempts";
/// The last error with its sources, up to 8 KiB.
pub const ERROR: &str = "healer-error";

/// How often the record was sent back to its topic: see [`Redrive`]. Absent where it never was.
pub const REDRIVES: &str = "healer-redrives";

/// What a record that was sent back has of its letter.
pub(crate) const OF_REDRIVEN: [&str; 2] = [REDRIVES, TIMESTAMP];

/// What each letter says anew.
pub(crate) const OURS: [&str; 7] = [TOPIC, PARTITION, OFFSET, EMIT_ID, STAGE, ATTEMPTS, ERROR];
