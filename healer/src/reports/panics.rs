//! Where a panic was, which only a panic hook is told.

use std::{
    backtrace::Backtrace,
    cell::RefCell,
    panic::{self, PanicHookInfo},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{error::panic_message, observe};

/// What a hook knows of a panic. The backtrace has addresses only, until it is shown: symbols are looked up then.
#[derive(Debug)]
pub(crate) struct Caught {
    message: String,
    pub(crate) backtrace: Backtrace,
    /// File, line and column.
    pub(crate) location: String,
}

/// Whether a pipeline was given a reporter.
static WANTED: AtomicBool = AtomicBool::new(false);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

thread_local! {
    /// The last panic of this thread.
    static LAST: RefCell<Option<Caught>> = const { RefCell::new(None) };
}

/// Installs a panic hook that remembers where stages panic, once; it then calls the hook that was there before.
///
/// Hooks are of the whole process, so this is only for a program that asks for it, by giving a pipeline a reporter. A hook that
/// the program installs later takes the place of this one, unless it calls the one before it as well: there are no backtraces then.
pub(crate) fn catch_backtraces() {
    static INSTALLED: Once = Once::new();
    // Hooks cannot be changed meanwhile; the next pipeline does it.
    if std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| panic::set_hook(remembering(panic::take_hook())));
}

fn remembering(before: Hook) -> Hook {
    WANTED.store(true, Ordering::Relaxed);
    Box::new(move |info: &PanicHookInfo<'_>| {
        see(info);
        before(info);
    })
}

/// Remembers a panic, where somebody wants that; for another hook of healer's that takes the place of this one.
pub(crate) fn see(info: &PanicHookInfo<'_>) {
    // To walk the stack takes tens of microseconds: not for the panics of others.
    if WANTED.load(Ordering::Relaxed) && observe::current().is_some() {
        remember(info);
    }
}

fn remember(info: &PanicHookInfo<'_>) {
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
/// A panic that was carried over from another thread (`resume_unwind`) has called no hook here: what is remembered then is about
/// an earlier one, and its message tells.
pub(crate) fn take(message: &str) -> Option<Caught> {
    LAST.try_with(|last| last.try_borrow_mut().ok()?.take())
        .ok()
        .flatten()
        .filter(|caught| caught.message == message)
}
