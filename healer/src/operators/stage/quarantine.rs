//! Keys whose records are not worked on, since one of them became a dead letter.
//!
//! A quarantine is not kept beyond the lane, since records come from the topic again from the committed offset on: the next owner
//! of the partition begins without it, and an earlier letter may be overtaken.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::order::OrderKey;
use crate::{context::Context, dead_letter::names::REDRIVES, error::BoxError};

/// How many keys of a partition may be shut out: beyond, something else is wrong.
const MOST: usize = 1_000_000;

/// Why a record became a dead letter untried.
#[derive(Debug, thiserror::Error)]
#[error("an earlier record of its key became a dead letter, and the stage keeps the order of a key")]
struct Quarantined;

/// Why no more keys are shut out.
#[derive(Debug, thiserror::Error)]
#[error("records of {MOST} keys of this partition became dead letters: the quarantine takes no more")]
pub(super) struct Full;

/// The keys of a partition that are shut out, by their hashes.
#[derive(Default)]
pub(super) struct Quarantine(Mutex<HashSet<u64>>);

impl Quarantine {
    fn keys(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a record is not to be worked on. One that was sent back after it, or one before it, had become a dead letter lets its
    /// key in again.
    pub(super) fn refuses(&self, order: OrderKey, context: &Context) -> Option<BoxError> {
        let OrderKey::Of(Some(key)) = order else { return None };
        let mut keys = self.keys();
        if context.headers().get(REDRIVES).is_some() {
            keys.remove(&key);
        }
        keys.contains(&key).then(|| Quarantined.into())
    }

    /// A record became a dead letter: its key is shut out.
    pub(super) fn add(&self, order: OrderKey) -> Result<(), Full> {
        let OrderKey::Of(Some(key)) = order else { return Ok(()) };
        let mut keys = self.keys();
        if keys.len() >= MOST && !keys.contains(&key) {
            return Err(Full);
        }
        keys.insert(key);
        Ok(())
    }
}
