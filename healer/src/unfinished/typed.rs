//! The answer of the compiler, where `pipeline!` is written: the macro calls `look` some times for the values that flow out of a
//! node. Each call takes one type off a list of types. The number of `&` before the list decides which `look` is called: of the
//! methods whose trait the type has, the compiler takes the one with the most `&`.

use std::{
    borrow::Cow,
    cell::{Cell, LazyCell, OnceCell, RefCell, UnsafeCell},
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    io::Cursor,
    marker::PhantomData,
    mem::ManuallyDrop,
    num::{Saturating, Wrapping},
    ops::{Bound, ControlFlow, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive},
    panic::AssertUnwindSafe,
    pin::Pin,
    rc::{self, Rc},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, RwLock, Weak},
    task::Poll,
    thread,
};

use futures_util::{Stream, future, lock};
use tokio::sync;

use crate::chain::{Batch, Here, Operator};

/// The type of the values that flow out of a node.
pub struct Flow<T>(PhantomData<fn() -> T>);

/// A type that is not known yet: the chain tells it.
pub fn flow<T>() -> Flow<T> {
    Flow(PhantomData)
}

impl<T> Flow<T> {
    /// The list of types to look at.
    pub fn __healer_types(&self) -> List<Next<T, ()>> {
        List(PhantomData)
    }
}

/// A node that may settle the values that it takes, as a sink does. Its type tells whether it does.
pub struct Taker<O>(PhantomData<fn() -> O>);

/// A node that is not known yet: the chain tells it.
pub fn taker<O>() -> Taker<O> {
    Taker(PhantomData)
}

impl<O: Settles> Taker<O> {
    /// The list of types to look at.
    pub fn __healer_types(&self) -> List<O::Settled> {
        List(PhantomData)
    }
}

/// The last node of a stream.
pub trait Settles {
    /// The list of the types whose values count as done there.
    type Settled;
}

impl<O: Operator> Settles for O {
    type Settled = O::Settled;
}

/// There is none yet.
impl Settles for () {
    type Settled = ();
}

/// Types that are still to be looked at.
pub struct List<L>(PhantomData<fn() -> L>);

impl<T: ?Sized, L> List<Next<T, L>> {
    /// A value of the next type, to name the type where nothing runs.
    pub fn __healer_first(&self) -> &T {
        unreachable!("looks are for the compiler alone")
    }
}

impl List<()> {
    /// Nothing is left.
    pub fn __healer_first(&self) -> &() {
        &()
    }
}

/// Any type. A method call needs to know the type that it is made on: the compiler asks for one that nothing tells, and says no more of
/// one that a fault above left open.
pub trait Known {
    #[doc(hidden)]
    fn __healer_known(&self) {}
}
impl<T: ?Sized> Known for T {}

/// A list that was looked at to its end.
#[diagnostic::on_unimplemented(
    message = "this value is made of more types than are looked at: an `Err` or a future in the rest of them would count as done",
    label = "`pipeline!` looks at the first 64",
    note = "give what is in it a type of your own (a struct is data), or wrap it: `healer::Plain(value)`"
)]
pub trait LookedAt {}
impl LookedAt for () {}

/// Asks for the end of a list.
pub fn ended<L: LookedAt>(_: &List<L>) {}

/// The next type of a list, and the list behind it.
pub struct Next<T: ?Sized, L>(PhantomData<fn() -> L>, PhantomData<T>);

/// A type that holds values of others: these are looked at next.
pub trait Holds<L> {
    /// The list with them.
    type Inside;
}

/// A pointer on which users can implement the traits that are looked for: it is looked at first, and only then its target.
pub trait Points<L> {
    /// The list with that.
    type Inside;
}

macro_rules! holds {
    ($kind:ident: $([$($parameter:tt)*] $ty:ty: $($held:ty),*;)*) => {
        $(impl<$($parameter)* L> $kind<L> for $ty {
            type Inside = holds!(@list $($held,)*);
        })*
    };
    (@list) => { L };
    (@list $held:ty, $($more:ty,)*) => { Next<$held, holds!(@list $($more,)*)> };
}

holds! { Points:
    [T: ?Sized,] &T: T;
    [T: ?Sized,] &mut T: T;
    [T: ?Sized,] Box<T>: T;
    [T,] Pin<T>: T;
}

holds! { Holds:
    [T,] Vec<T>: T;
    [T,] VecDeque<T>: T;
    [T,] LinkedList<T>: T;
    [T,] BinaryHeap<T>: T;
    [T,] BTreeSet<T>: T;
    [T, S,] HashSet<T, S>: T;
    [K, V,] BTreeMap<K, V>: K, V;
    [K, V, S,] HashMap<K, V, S>: K, V;
    [T,] Batch<T>: T;
    [T,] Option<T>: T;
    [T,] [T]: T;
    [T, const N: usize,] [T; N]: T;
    [T: ?Sized,] Arc<T>: T;
    [T: ?Sized,] Rc<T>: T;
    [T: ?Sized,] Weak<T>: T;
    [T: ?Sized,] rc::Weak<T>: T;
    [T: ?Sized,] ManuallyDrop<T>: T;
    [T: ?Sized,] Mutex<T>: T;
    [T: ?Sized,] RwLock<T>: T;
    [T,] OnceLock<T>: T;
    [T,] OnceCell<T>: T;
    [T,] PoisonError<T>: T;
    [T: ?Sized,] sync::Mutex<T>: T;
    [T: ?Sized,] sync::OwnedMutexGuard<T>: T;
    [T: ?Sized, U: ?Sized,] sync::OwnedMappedMutexGuard<T, U>: U;
    [T: ?Sized,] sync::RwLock<T>: T;
    [T: ?Sized, U: ?Sized,] sync::OwnedRwLockReadGuard<T, U>: U;
    [T: ?Sized,] sync::OwnedRwLockWriteGuard<T>: T;
    [T: ?Sized, U: ?Sized,] sync::OwnedRwLockMappedWriteGuard<T, U>: U;
    [T,] sync::OnceCell<T>: T;
    [T,] sync::SetOnce<T>: T;
    [T,] sync::watch::Receiver<T>: T;
    [T,] sync::watch::Sender<T>: T;
    [T: ?Sized,] lock::Mutex<T>: T;
    [T: ?Sized,] lock::OwnedMutexGuard<T>: T;
    [A, B,] future::Either<A, B>: A, B;
    [T: ?Sized,] Cell<T>: T;
    [T: ?Sized,] UnsafeCell<T>: T;
    [T: ?Sized,] RefCell<T>: T;
    [T: ?Sized + ToOwned,] Cow<'_, T>: T;
    [T,] AssertUnwindSafe<T>: T;
    [T,] Reverse<T>: T;
    [T,] Wrapping<T>: T;
    [T,] Saturating<T>: T;
    [T,] Bound<T>: T;
    [T,] Cursor<T>: T;
    [T,] RangeTo<T>: T;
    [T,] RangeToInclusive<T>: T;
    // Iterators, but data.
    [T,] Range<T>: T;
    [T,] RangeFrom<T>: T;
    [T,] RangeInclusive<T>: T;
    [A,] (A,): A;
    [A, B,] (A, B): A, B;
    [A, B, C,] (A, B, C): A, B, C;
    [A, B, C, D,] (A, B, C, D): A, B, C, D;
    [A, B, C, D, E,] (A, B, C, D, E): A, B, C, D, E;
    [A, B, C, D, E, F,] (A, B, C, D, E, F): A, B, C, D, E, F;
    [A, B, C, D, E, F, G,] (A, B, C, D, E, F, G): A, B, C, D, E, F, G;
    [A, B, C, D, E, F, G, H,] (A, B, C, D, E, F, G, H): A, B, C, D, E, F, G, H;
    [A, B, C, D, E, F, G, H, I,] (A, B, C, D, E, F, G, H, I): A, B, C, D, E, F, G, H, I;
    [A, B, C, D, E, F, G, H, I, J,] (A, B, C, D, E, F, G, H, I, J): A, B, C, D, E, F, G, H, I, J;
    [A, B, C, D, E, F, G, H, I, J, K,] (A, B, C, D, E, F, G, H, I, J, K): A, B, C, D, E, F, G, H, I, J, K;
    [A, B, C, D, E, F, G, H, I, J, K, M,] (A, B, C, D, E, F, G, H, I, J, K, M): A, B, C, D, E, F, G, H, I, J, K, M;
}

/// A type with a side that says that nothing was done.
pub trait MayFail {}
impl<T, E> MayFail for Result<T, E> {}
impl<B, C> MayFail for ControlFlow<B, C> {}
impl<T> MayFail for Poll<T> {}

/// Work that runs elsewhere, or is yet to run, and is no future.
pub trait Joins {}
impl<T> Joins for thread::JoinHandle<T> {}
impl<T> Joins for tokio::task::JoinSet<T> {}
impl<T, F> Joins for LazyLock<T, F> {}
impl<T, F> Joins for LazyCell<T, F> {}

/// Never implemented: the bound on it reports a value that may have failed.
#[diagnostic::on_unimplemented(
    message = "an `Err` in `{T}` would count as done: the offset of its record would be committed and the record lost",
    label = "nothing looks into it before it is healed, sent, kept or gathered",
    note = "let the record fail: put `try_map(|result| result)` after it, or make it a stage that returns a `Result`; of several, collect into `Result<Vec<_>, _>`",
    note = "if it is meant as a value, wrap it: `healer::Plain(value)`"
)]
pub trait Judges<T: ?Sized> {}

/// Never implemented: the bound on it reports a value that is still to be awaited.
#[diagnostic::on_unimplemented(
    message = "`{T}` is never awaited: the offset of its record would be committed though the work was not done",
    label = "nothing awaits it before it is healed, sent, kept or gathered",
    note = "make it an `async` stage, or put an `async` stage after it that takes it and awaits it",
    note = "if it is meant as a value, wrap it: `healer::Plain(value)`"
)]
pub trait Awaits<T: ?Sized> {}

/// Never implemented: the bound on it reports a value that is still to be pulled.
#[diagnostic::on_unimplemented(
    message = "`{T}` is lazy and never pulled: the offset of its record would be committed though the work was not done",
    label = "nothing takes its items before it is healed, sent, kept or gathered",
    note = "collect it, as in `.collect::<Vec<_>>()`, or give its items one by one from a stage with `#[stage(flat)]`",
    note = "if it is meant as a value, wrap it: `healer::Plain(value)`"
)]
pub trait Pulls<T: ?Sized> {}

/// Never implemented: the bound on it reports a value that is still to be called.
#[diagnostic::on_unimplemented(
    message = "`{T}` is never called: the offset of its record would be committed though the work was not done",
    label = "nothing calls it before it is healed, sent, kept or gathered",
    note = "call it",
    note = "if it is meant as a value, wrap it: `healer::Plain(value)`"
)]
pub trait Calls<T: ?Sized> {}

/// A value that holds others.
pub trait Opens<L> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<L> {
        List(PhantomData)
    }
}
impl<T: ?Sized + Holds<L>, L> Opens<T::Inside> for &&&&&&&List<Next<T, L>> {}

/// A value that may have failed.
pub trait Failing<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Judges<T>,
    {
        List(PhantomData)
    }
}
impl<T: MayFail, L> Failing<T> for &&&&&&&List<Next<T, L>> {}

/// Work that runs elsewhere.
pub trait Joined<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Awaits<T>,
    {
        List(PhantomData)
    }
}
impl<T: Joins, L> Joined<T> for &&&&&&&List<Next<T, L>> {}

/// A future.
pub trait Awaited<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Awaits<T>,
    {
        List(PhantomData)
    }
}
impl<T: ?Sized + Future, L> Awaited<T> for &&&&&&List<Next<T, L>> {}

/// A value that becomes a future where it is awaited.
pub trait IntoAwaited<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Awaits<T>,
    {
        List(PhantomData)
    }
}
impl<T: IntoFuture, L> IntoAwaited<T> for &&&&&List<Next<T, L>> {}

/// A stream.
pub trait Streamed<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Awaits<T>,
    {
        List(PhantomData)
    }
}
impl<T: ?Sized + Stream, L> Streamed<T> for &&&&List<Next<T, L>> {}

/// An iterator.
pub trait Pulled<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Pulls<T>,
    {
        List(PhantomData)
    }
}
impl<T: ?Sized + Iterator, L> Pulled<T> for &&&List<Next<T, L>> {}

/// A function that waits to be called.
pub trait Called<T: ?Sized> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()>
    where
        Here: Calls<T>,
    {
        List(PhantomData)
    }
}
impl<T: ?Sized + FnOnce() -> R, L, R> Called<T> for &&List<Next<T, L>> {}

/// A pointer to another value.
pub trait Follows<L> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<L> {
        List(PhantomData)
    }
}
impl<T: ?Sized + Points<L>, L> Follows<T::Inside> for &List<Next<T, L>> {}

/// Everything else is data.
pub trait Passes<L> {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<L> {
        List(PhantomData)
    }
}
impl<T: ?Sized, L> Passes<L> for List<Next<T, L>> {}

/// Nothing is left. Found at once, since most looks are such.
pub trait Ends {
    #[doc(hidden)]
    fn __healer_look(&self) -> List<()> {
        List(PhantomData)
    }
}
impl Ends for &&&&&&&List<()> {}
