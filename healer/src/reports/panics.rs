//! Where a panic was, which only a panic hook is told.

use std::{
    panic::{self, PanicHookInfo},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{error, observe};

/// Whether a pipeline was given a reporter.
static WANTED: AtomicBool = AtomicBool::new(false);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

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
        error::remember(info);
    }
}
