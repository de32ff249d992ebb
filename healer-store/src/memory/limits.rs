//! How much a store in memory keeps.

use std::time::Duration;

/// How many rows are kept, and for how long; rows over a limit are dropped, the oldest first.
///
/// A row is the snapshot of one partition or the checkpoint of one node and partition. Only done facts are
/// dropped, so a limit that is too low costs replays, never records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most rows that are kept; `None` is no limit. Default: 10,000,000.
    pub max_rows: Option<usize>,
    /// How long a row is kept after its last write; `None` is for ever. Default: 3,600 s.
    pub max_age: Option<Duration>,
}

impl Limits {
    /// Keeps every row for ever.
    pub const UNLIMITED: Self = Self { max_rows: None, max_age: None };

    /// Keeps at most `rows` rows. Default: 10,000,000.
    pub const fn max_rows(self, rows: usize) -> Self {
        Self { max_rows: Some(rows), ..self }
    }

    /// Keeps a row for `age` after its last write. Default: 3,600 s.
    pub const fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_rows: Some(10_000_000), max_age: Some(Duration::from_hours(1)) }
    }
}
