//! The names of the headers that dead letters have, and the meaning of each.

use crate::record::Headers;

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
/// How often the record was sent back to its topic: see [`Redrive`](crate::dead_letter::Redrive). Absent where it never was.
pub const REDRIVES: &str = "healer-redrives";

/// The headers that a record which was sent back has of its letter.
pub(crate) const OF_REDRIVEN: [&str; 3] = [REDRIVES, TIMESTAMP, ORIGIN];

/// The headers that each letter has anew.
pub(crate) const OURS: [&str; 9] = [TOPIC, PARTITION, OFFSET, EMIT_ID, STAGE, PATH, ATTEMPTS, ERROR, DROPPED];

/// How often a record was sent back, by its headers.
pub(crate) fn redrives(headers: &Headers) -> u32 {
    let text = headers.get(REDRIVES).and_then(|value| std::str::from_utf8(value).ok());
    text.and_then(|number| number.parse().ok()).unwrap_or(0)
}
