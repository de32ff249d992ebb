//! The result of a call of a user's function, in one form for all return types.

use crate::{
    error::{BoxError, Cause},
    observe::Ended,
};

/// The result of a call.
pub enum Verdict<U> {
    /// A value for the next node.
    Next(U),
    /// Nothing: the record is done, under the stage's reason.
    Skip,
    /// An error: the failure policy decides.
    Fail(BoxError),
    /// An error that another attempt would meet again.
    Fatal(BoxError),
}

impl<U> Verdict<U> {
    /// As a span is told of it.
    pub(in crate::operators) fn ended(&self) -> Ended<'_> {
        match self {
            Self::Next(_) => Ok(true),
            Self::Skip => Ok(false),
            Self::Fail(error) | Self::Fatal(error) => Err(error),
        }
    }

    /// The same of another value.
    pub(in crate::operators) fn map<V>(self, f: impl FnOnce(U) -> V) -> Verdict<V> {
        match self {
            Self::Next(value) => Verdict::Next(f(value)),
            Self::Skip => Verdict::Skip,
            Self::Fail(error) => Verdict::Fail(error),
            Self::Fatal(error) => Verdict::Fatal(error),
        }
    }
}

/// As a span is told of a call.
pub(in crate::operators) fn ended<U>(result: &Result<Verdict<U>, Cause>) -> Ended<'_> {
    match result {
        Ok(verdict) => verdict.ended(),
        Err(cause) => Err(cause),
    }
}

impl<U> Verdict<Option<U>> {
    fn flatten(self) -> Verdict<U> {
        match self {
            Self::Next(Some(value)) => Verdict::Next(value),
            Self::Next(None) | Self::Skip => Verdict::Skip,
            Self::Fail(error) => Verdict::Fail(error),
            Self::Fatal(error) => Verdict::Fatal(error),
        }
    }
}

/// Verdicts made of the values that functions return.
impl<U> Verdict<U> {
    #[doc(hidden)]
    #[inline]
    pub fn of_result<E: StageError>(result: Result<U, E>) -> Self {
        match result {
            Ok(value) => Self::Next(value),
            Err(error) => Self::Fail(error.boxed()),
        }
    }

    #[doc(hidden)]
    pub fn of_result_if<E: StageError>(result: Result<U, E>, again: impl FnOnce(&E) -> bool) -> Self {
        match result {
            Ok(value) => Self::Next(value),
            Err(error) if again(&error) => Self::Fail(error.boxed()),
            Err(error) => Self::Fatal(error.boxed()),
        }
    }

    #[doc(hidden)]
    pub fn of_both_if<E: StageError>(result: Result<Option<U>, E>, again: impl FnOnce(&E) -> bool) -> Self {
        Verdict::<Option<U>>::of_result_if(result, again).flatten()
    }

    #[doc(hidden)]
    #[inline]
    pub fn of_option(option: Option<U>) -> Self {
        option.map_or(Self::Skip, Self::Next)
    }

    #[doc(hidden)]
    #[inline]
    pub fn of_both<E: StageError>(result: Result<Option<U>, E>) -> Self {
        match result {
            Ok(option) => Self::of_option(option),
            Err(error) => Self::Fail(error.boxed()),
        }
    }

    #[doc(hidden)]
    pub fn error<E: StageError>(error: E) -> BoxError {
        error.boxed()
    }
}

/// An error that a stage may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error that a stage can return: nobody could say what went wrong",
    label = "the error that this returns",
    note = "implement `std::error::Error` for it, as `#[derive(thiserror::Error)]` does, or use `String`, \
            `anyhow::Error` or `Box<dyn Error + Send + Sync>`"
)]
pub trait StageError {
    #[doc(hidden)]
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> StageError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}
