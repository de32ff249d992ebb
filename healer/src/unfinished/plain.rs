//! The word of the user that a value is meant as it is.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

#[doc = include_str!("../docs/plain.md")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plain<T>(
    /// The value.
    pub T,
);

impl<T> Deref for Plain<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
