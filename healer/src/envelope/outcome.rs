//! How a record can end.

use std::{fmt, sync::Arc};

use crate::names::Names;

/// Why records were skipped, as a small number that costs nothing to copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Reason(u32);

static REASONS: Names = Names::new();

impl Reason {
    /// The number of a text; pipelines name their reasons when they are built, so the list stays short.
    pub(crate) fn new(text: &str) -> Self {
        Self(REASONS.number(text))
    }

    pub(crate) fn text(self) -> Arc<str> {
        REASONS.text(self.0).unwrap_or_else(|| Arc::from("unknown"))
    }

    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    pub(crate) fn of_number(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// How a receipt ended. A record that went several ways ends as the highest; one part that was returned returns it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Skipped(Reason),
    Healed,
    /// The broker has its dead letter.
    DeadLettered,
    /// Not an end: the record is pending again.
    Returned,
}

impl Outcome {
    /// As a number that orders as outcomes do; 0 is none of them.
    pub(super) fn code(self) -> u64 {
        match self {
            Self::Skipped(reason) => 1 << 32 | u64::from(reason.0),
            Self::Healed => 2 << 32,
            Self::DeadLettered => 3 << 32,
            Self::Returned => 4 << 32,
        }
    }

    pub(super) fn of_code(code: u64) -> Option<Self> {
        match code >> 32 {
            1 => Some(Self::Skipped(Reason(u32::try_from(code & u64::from(u32::MAX)).unwrap_or(0)))),
            2 => Some(Self::Healed),
            3 => Some(Self::DeadLettered),
            4 => Some(Self::Returned),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Reason};

    #[test]
    fn codes_order_as_outcomes_and_come_back() {
        let all = [
            Outcome::Skipped(Reason::new("on time")),
            Outcome::Healed,
            Outcome::DeadLettered,
            Outcome::Returned,
        ];
        for pair in all.windows(2) {
            assert!(pair[0].code() < pair[1].code());
        }
        for outcome in all {
            assert_eq!(Outcome::of_code(outcome.code()), Some(outcome));
        }
        assert_eq!(Outcome::of_code(0), None);
    }
}
