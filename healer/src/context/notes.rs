//! The notes of a call for its report.
//!
//! **Reports.** A stage that reports keeps a copy of its input (or lends it) until its call has ended; dropped by an error, a
//! panic or a cancelled future it is written down as JSON in `context/notes`, and `failing` sends it off when the record is given
//! up.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Original;
use crate::{envelope::Spot, error::catch};

/// The notes of a call that may be reported.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The call's input, as JSON.
    input: Mutex<Option<Vec<u8>>>,
    /// The rows of a batch.
    rows: OnceLock<Vec<NotedRow>>,
}

/// A row of a batch that may be reported.
#[derive(Clone, Debug)]
pub(crate) struct NotedRow {
    pub(crate) spot: Spot,
    pub(crate) timestamp: Option<i64>,
    pub(crate) original: Option<Arc<Original>>,
}

/// The text of a value that is only looked at: a user's `Serialize` may panic, and then there is none.
pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let written = catch(|| write(&mut json)).unwrap_or(false);
    written.then_some(json)
}

impl Notes {
    /// Notes the call's input.
    pub(crate) fn input(&self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) = written(write);
    }

    pub(crate) fn take_input(&self) -> Option<Vec<u8>> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn rows(&self) -> &[NotedRow] {
        self.rows.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn set_rows(&self, rows: Vec<NotedRow>) {
        // Those of the first attempt are those of all.
        let _ = self.rows.set(rows);
    }
}
