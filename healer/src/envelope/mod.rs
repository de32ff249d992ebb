//! Receipts: each owes an outcome, for one record or for several.
//!
//! This is the only code that can mint, split, merge and settle them. A user's code never holds one: stages see payloads,
//! batches see slot numbers.

mod desk;
mod fingerprint;
mod outcome;
mod places;
mod receipt;
mod rests;

pub(crate) use desk::{Desk, Home, RECORD, Settled};
pub(crate) use fingerprint::{fingerprint, hash_parts};
pub(crate) use outcome::{Outcome, Reason};
pub(crate) use receipt::{Hold, Receipt, Shares};
pub(crate) use rests::{Rest, Spot};

#[cfg(test)]
mod tests;
