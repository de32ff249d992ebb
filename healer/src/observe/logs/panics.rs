//! Panics as log lines: where each line is JSON, Rust's own text of a panic would be none.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
};

/// Has panics logged at the level error instead of written, from now on.
pub(super) fn take_in_panics() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    // The hook that does this may be the one whose place was taken.
    crate::reports::see_panic(panic);
    // There where `RUST_BACKTRACE` asks for it.
    let backtrace = Backtrace::capture();
    let is_there = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = is_there.then(|| tracing::field::display(backtrace));
    let location = panic.location().map(tracing::field::display);
    let message = crate::error::panic_message(panic.payload());
    tracing::error!(target: "panic", location, backtrace, "a panic: {message}");
}
