//! The stack that values need on their way down a chain.
//!
//! Fused nodes call each other, and without optimisation each moves its value seven times (a flat stage twenty-three). So the
//! need grows with value and chain: `Below::stack` adds it up, eight values for each hand that a value goes through, and the
//! caller that begins a run ensures that much stack, and half a MiB for the user's own: the lane once a chunk, a task once a poll
//! (with eight times its future), a blocking call once. Where it is not, `stacker` lends a larger stack for that time, on threads
//! of the engine as on those of tokio. The bound is memory: 200 fused stages of 64 KiB ask for 300 MiB of addresses and touch a
//! third.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// How often a node has a value on the stack at once, and the bytes that its calls take besides, without optimisation: about twice
/// the measured numbers. Optimised code needs less, and is given as much.
const COPIES: usize = 8;
const FRAMES: usize = 1024;

/// The stack that users' functions, codecs and destructors always find, however much the nodes above them have taken.
const RESERVE: usize = 512 * 1024;

/// The stack that a node needs while it holds a `V` and the nodes below it run.
pub(crate) const fn of<V>() -> usize {
    FRAMES + COPIES * size_of::<V>()
}

/// Runs with `need` bytes of stack and the reserve for users, here or on a larger stack.
#[inline]
pub(crate) fn with_stack<R>(need: usize, run: impl FnOnce() -> R) -> R {
    let need = need.saturating_add(RESERVE);
    stacker::maybe_grow(need, need.saturating_add(RESERVE), run)
}

/// A task that finds `need` bytes of stack at every poll. It is made with as much, too: a future, with room for all that it may
/// ever hold, lies on the stack until it is in its box.
pub(crate) fn deep<F>(
    need: usize,
    task: impl FnOnce() -> F,
) -> impl Future<Output = F::Output> + Send + 'static
where
    F: Future + Send + 'static,
{
    let need = need.saturating_add(of::<F>());
    let mut task: Pin<Box<F>> = with_stack(need, || Box::pin(task()));
    poll_fn(move |context| -> Poll<F::Output> { with_stack(need, || task.as_mut().poll(context)) })
}
