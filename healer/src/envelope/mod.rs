//! Receipts: who owes an outcome for which record.
//!
//! This is the only code that can mint, split, merge and settle them. A user's code never holds one: stages see payloads,
//! batches see slot numbers.

mod desk;
mod outcome;
mod places;
mod receipt;
mod rests;
mod visit;

pub(crate) use desk::{Copies, Desk, Home, Settled};
pub(crate) use outcome::{Outcome, Reason};
pub(crate) use receipt::{Hold, Receipt, Shares};
pub(crate) use rests::{Rest, Spot};
pub use visit::Visit;
pub(crate) use visit::{Claim, End, fingerprint, hash_parts};

#[cfg(test)]
mod tests;
