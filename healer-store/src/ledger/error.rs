//! The refusals of the ledger, apart because each asks something else of its caller.

use std::error::Error;
use std::fmt;

/// Why the ledger did not take a delivered offset. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliverError {
    /// The offset lies below the next expected one: the partition was reset, truncated or re-created.
    ///
    /// Open a new ledger (a new epoch) at `got`; this one knows nothing about the new records.
    Regressed {
        /// The lowest offset that the ledger would have taken.
        expected: i64,
        /// The offset that was delivered.
        got: i64,
    },
    /// The run `[first, end)` holds no offset, or its end cannot be represented.
    EmptyRun {
        /// The first offset of the run.
        first: i64,
        /// The end of the run.
        end: i64,
    },
}

impl fmt::Display for DeliverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regressed { expected, got } => {
                write!(
                    f,
                    "offset {got} was delivered where {expected} or above was due: open a new ledger at {got}"
                )
            }
            Self::EmptyRun { first, end } => {
                write!(f, "the run [{first}, {end}) holds no offset that can be delivered")
            }
        }
    }
}

impl Error for DeliverError {}

/// Why the ledger did not take an outcome. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettleError {
    /// The outcome belongs to another generation: count it and drop it, another owner has the record now.
    Stale {
        /// The ledger's generation.
        current: u32,
        /// The generation that the outcome came from.
        got: u32,
    },
    /// The offset was never delivered, or was settled before.
    NotPending {
        /// The lowest offset of the request that is not pending.
        offset: i64,
    },
    /// The run `[first, end)` holds no offset, or its end cannot be represented.
    EmptyRun {
        /// The first offset of the run.
        first: i64,
        /// The end of the run.
        end: i64,
    },
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { current, got } => {
                write!(f, "an outcome of generation {got} came to generation {current}: it changes nothing")
            }
            Self::NotPending { offset } => {
                write!(f, "offset {offset} is not pending: it was never delivered, or it was settled before")
            }
            Self::EmptyRun { first, end } => {
                write!(f, "the run [{first}, {end}) holds no offset that can be settled")
            }
        }
    }
}

impl Error for SettleError {}
