//! How a record can end.

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

/// Why records were skipped, as a small number that costs nothing to copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Reason(u32);

fn reasons() -> &'static RwLock<Vec<Arc<str>>> {
    static REASONS: OnceLock<RwLock<Vec<Arc<str>>>> = OnceLock::new();
    REASONS.get_or_init(RwLock::default)
}

impl Reason {
    /// The number of a text; pipelines name their reasons when they are built, so the list stays short.
    pub(crate) fn new(text: &str) -> Self {
        let mut list = reasons().write().unwrap_or_else(PoisonError::into_inner);
        let at = list.iter().position(|known| &**known == text).unwrap_or_else(|| {
            list.push(Arc::from(text));
            list.len() - 1
        });
        Self(u32::try_from(at).unwrap_or(u32::MAX))
    }

    pub(crate) fn text(self) -> Arc<str> {
        let list = reasons().read().unwrap_or_else(PoisonError::into_inner);
        list.get(self.0 as usize).cloned().unwrap_or_else(|| Arc::from("unknown"))
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
