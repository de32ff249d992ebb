//! Tells a `Result` or `Option` that hides behind an alias from a plain payload.

use std::marker::PhantomData;

/// `Shape<T>::PLAIN` is `false` for a `Result` and an `Option`. An `Err` that were a payload would be healed: a lost
/// record. The macro asserts it for every return type that it took for plain.
pub struct Shape<T: ?Sized>(PhantomData<T>);

impl<T, E> Shape<Result<T, E>> {
    /// A `Result` is none.
    pub const PLAIN: bool = false;
}

impl<T> Shape<Option<T>> {
    /// An `Option` is none.
    pub const PLAIN: bool = false;
}

/// Everything else is plain: an inherent constant wins over the trait's.
pub trait PlainShape {
    /// Whether it is a payload.
    const PLAIN: bool = true;
}

impl<T: ?Sized> PlainShape for Shape<T> {}
