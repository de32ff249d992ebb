//! Panics of users' code, caught.

use std::{
    any::Any,
    backtrace::Backtrace,
    cell::RefCell,
    fmt, mem,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::Arc,
};

/// A hook's knowledge of a panic. The backtrace has addresses only, until it is shown: symbols are looked up then.
#[derive(Debug)]
pub(crate) struct Caught {
    message: String,
    pub(crate) backtrace: Backtrace,
    /// File, line and column.
    pub(crate) location: String,
}

thread_local! {
    /// The last panic of this thread.
    static LAST: RefCell<Option<Caught>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Clone, Debug)]
pub(crate) struct Panicked {
    /// Its words.
    pub(crate) message: String,
    /// Where it was, where reports are wanted.
    pub(crate) caught: Option<Arc<Caught>>,
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Runs code that may panic. The payload ends here as well, since its `Drop` is a user's and may panic again: outside, that would
/// end a task or a thread whose answer is waited for.
#[inline]
pub(crate) fn catch<R>(call: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(seen)
}

/// Drops a value of a user's; a panic of its `Drop` ends here.
pub(crate) fn discard<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // A payload could bring another one along for ever; this one is left where it is.
        mem::forget(payload);
    }
}

// To be called on the thread of the panic: the hook keeps its notes there.
#[cold]
fn seen(payload: Box<dyn Any + Send>) -> Panicked {
    let message = panic_message(&*payload);
    let caught = last_panic(&message).map(Arc::new);
    discard(payload);
    Panicked { message, caught }
}

/// The message of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}

/// Remembers a panic of this thread, for the one that catches it; called by a panic hook.
pub(crate) fn remember(info: &PanicHookInfo<'_>) {
    let caught = Caught {
        message: panic_message(info.payload()),
        backtrace: Backtrace::force_capture(),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
    };
    // Neither may a hook panic, nor does it matter at a thread's very end.
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(caught)));
}

/// Where the last panic of this thread was, if it said this. To be asked for on the thread that caught it, before that goes on.
///
/// A panic that was carried over from another thread (`resume_unwind`) has called no hook here: the panic that is remembered then
/// is an earlier one, and its message tells.
pub(crate) fn last_panic(message: &str) -> Option<Caught> {
    LAST.try_with(|last| last.try_borrow_mut().ok()?.take())
        .ok()
        .flatten()
        .filter(|caught| caught.message == message)
}

#[cfg(test)]
mod tests {
    use std::{
        panic::panic_any,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::{catch, discard};

    /// Each drop panics with another one.
    struct Endless<'c>(&'c AtomicUsize);

    impl Drop for Endless<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic_any(Endless(leaked(self.0)));
        }
    }

    fn leaked(count: &AtomicUsize) -> &'static AtomicUsize {
        Box::leak(Box::new(AtomicUsize::new(count.load(Ordering::Relaxed))))
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_ends_with_its_panic() {
        static DROPS: AtomicUsize = AtomicUsize::new(0);
        let caught = catch(|| panic_any(Endless(&DROPS)));
        assert_eq!(
            caught.map_err(|panicked| panicked.message),
            Err::<(), _>("a payload that is no text".to_owned())
        );
        assert_eq!(DROPS.load(Ordering::Relaxed), 1);
        discard(Endless(&DROPS));
        assert_eq!(DROPS.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_does_not_panic_is_given() {
        assert_eq!(catch(|| 41).ok(), Some(41));
        let caught = catch(|| -> u8 { panic!("no {}", 41) });
        assert_eq!(caught.map_err(|panicked| panicked.message), Err("no 41".to_owned()));
    }
}
