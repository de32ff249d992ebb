//! When a record was written.

/// Milliseconds since 1970, or none, which is below all: in eight bytes, since a context is moved often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(i64);

impl Millis {
    pub(crate) const NONE: Self = Self(i64::MIN);

    #[inline]
    pub(crate) fn of(millis: Option<i64>) -> Self {
        millis.map_or(Self::NONE, Self)
    }

    #[inline]
    pub(crate) fn get(self) -> Option<i64> {
        (self != Self::NONE).then_some(self.0)
    }
}
