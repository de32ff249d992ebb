//! Which errors are worth another attempt, where the error says so itself.

/// An error that knows whether another attempt may end better. Without it every error is tried again, as often as `retry`
/// says.
///
/// ```
/// use healer::{Transient, prelude::*};
///
/// #[derive(Debug)]
/// enum BankError {
///     Busy,
///     NoSuchAccount,
/// }
/// # impl std::fmt::Display for BankError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{self:?}") }
/// # }
/// # impl std::error::Error for BankError {}
///
/// impl Transient for BankError {
///     fn is_transient(&self) -> bool {
///         matches!(self, Self::Busy)
///     }
/// }
///
/// #[stage(retry(5, backoff = "100ms..10s"), timeout = "2s")]
/// async fn charge(order: String) -> Result<String, BankError> {
///     if order.is_empty() { Err(BankError::NoSuchAccount) } else { Ok(order) }
/// }
/// # fn main() {}
/// ```
pub trait Transient {
    /// Whether another attempt may end better.
    fn is_transient(&self) -> bool;
}

/// Asks an error, if it can be asked: the macro calls `may_pass` on a reference to this, and finds the method of
/// [`SaysSo`] before that of [`SaysNothing`].
#[doc(hidden)]
pub struct Asked<'e, E>(pub &'e E);

#[doc(hidden)]
pub trait SaysSo {
    fn may_pass(&self) -> bool;
}

impl<E: Transient> SaysSo for Asked<'_, E> {
    fn may_pass(&self) -> bool {
        self.0.is_transient()
    }
}

#[doc(hidden)]
pub trait SaysNothing {
    fn may_pass(&self) -> bool;
}

impl<E> SaysNothing for &Asked<'_, E> {
    fn may_pass(&self) -> bool {
        true
    }
}
