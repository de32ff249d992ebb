//! Tells unfinished work by the path of its type, as the compiler prints it: the path of the definition, not that of an export.

/// The work that is still to be done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// To look whether it failed.
    Judge,
    /// To await or to call it: the compiler has one name for closures and `async` blocks.
    Run,
    /// To pull its items.
    Pull,
}

/// The work that a type with this path, or an object of a trait with this path, still needs. `None` for data.
pub(super) fn by_path(path: &str) -> Option<Unfinished> {
    let is_any = |of: &[&str]| of.iter().any(|of| path.starts_with(of));
    let last = path.rsplit("::").next().unwrap_or(path);
    if path == EITHER {
        // The value in it decides.
        None
    } else if JUDGE.contains(&path) {
        Some(Unfinished::Judge)
    } else if (is_any(&RUN) || is_any(&RUN_OF_TOKIO) || is_any(&RUN_OF_FUTURES)) && !is_error(path) {
        Some(Unfinished::Run)
    } else {
        // A range of numbers is data, one of a map's entries is not.
        let pulls = is_of_std(path)
            && (path.contains("::iter::")
                || PULL.contains(&last)
                || (last == "Range" && path.contains("::btree::")));
        (pulls || is_any(&PULL_OF_OTHERS)).then_some(Unfinished::Pull)
    }
}

/// Whether it is an error type beside the work in its module. `UnitError` and `NeverError` of futures are futures.
fn is_error(path: &str) -> bool {
    path.ends_with("Error") && !path.starts_with("futures_util::future::")
}

/// Whether a type with this path holds values of its arguments' types.
pub(super) fn holds(path: &str) -> bool {
    let of_others = path == EITHER || LOCKS.iter().any(|of| path.starts_with(of));
    (is_of_std(path) || of_others) && !EMPTY.contains(&path)
}

fn is_of_std(path: &str) -> bool {
    ["core::", "alloc::", "std::"].iter().any(|of| path.starts_with(of))
}

const JUDGE: [&str; 3] =
    ["core::result::Result", "core::ops::control_flow::ControlFlow", "core::task::poll::Poll"];

const RUN: [&str; 8] = [
    "core::future::",
    // `Fn`, `FnMut` and `FnOnce`, with any arguments.
    "core::ops::function::Fn",
    "core::cell::lazy::",
    "std::process::Child",
    "std::process::Command",
    "std::sync::lazy_lock::",
    "std::sync::mpsc::Receiver",
    "std::thread::join_handle::",
];

const RUN_OF_TOKIO: [&str; 24] = [
    "tokio::future::",
    "tokio::io::seek::",
    "tokio::io::util::copy",
    "tokio::io::util::fill_buf::",
    "tokio::io::util::flush::",
    "tokio::io::util::read",
    "tokio::io::util::shutdown::",
    "tokio::io::util::write",
    "tokio::process::Child",
    "tokio::process::Command",
    "tokio::runtime::task::abort::",
    "tokio::runtime::task::join::",
    "tokio::sync::broadcast::Receiver",
    "tokio::sync::mpsc::bounded::Receiver",
    "tokio::sync::mpsc::unbounded::UnboundedReceiver",
    "tokio::sync::notify::Notified",
    "tokio::sync::notify::OwnedNotified",
    "tokio::sync::oneshot::Receiver",
    "tokio::task::coop::",
    "tokio::task::join_set::",
    "tokio::task::local::",
    "tokio::task::task_local::TaskLocalFuture",
    "tokio::time::sleep::",
    "tokio::time::timeout::",
];

const RUN_OF_FUTURES: [&str; 29] = [
    "futures_channel::mpsc::Receiver",
    "futures_channel::mpsc::Recv",
    "futures_channel::mpsc::UnboundedReceiver",
    "futures_channel::oneshot::Cancellation",
    "futures_channel::oneshot::Receiver",
    "futures_core::",
    "futures_task::future_obj::",
    "futures_util::abortable::AbortHandle",
    "futures_util::abortable::AbortRegistration",
    "futures_util::abortable::Abortable",
    "futures_util::async_await::",
    "futures_util::future::",
    "futures_util::io::buf_reader::SeeKRelative",
    "futures_util::io::close::",
    "futures_util::io::copy",
    "futures_util::io::fill_buf::",
    "futures_util::io::flush::",
    "futures_util::io::lines::",
    "futures_util::io::read",
    "futures_util::io::seek::",
    "futures_util::io::write",
    "futures_util::lock::bilock::BiLockAcquire",
    "futures_util::lock::mutex::MutexLockFuture",
    "futures_util::lock::mutex::OwnedMutexLockFuture",
    "futures_util::sink::close::",
    "futures_util::sink::feed::",
    "futures_util::sink::flush::",
    "futures_util::sink::send",
    "futures_util::stream::",
];

/// Iterators of the standard library outside of its `iter` modules.
const PULL: [&str; 41] = [
    "Ancestors",
    "Args",
    "ArgsOs",
    "Bytes",
    "CharIndices",
    "Chars",
    "Components",
    "DecodeUtf16",
    "Difference",
    "Drain",
    "EncodeUtf16",
    "EscapeAscii",
    "EscapeDebug",
    "EscapeDefault",
    "EscapeUnicode",
    "ExtractIf",
    "Incoming",
    "Intersection",
    "IntoIncoming",
    "IntoIter",
    "IntoKeys",
    "IntoValues",
    "Iter",
    "IterMut",
    "Keys",
    "Lines",
    "RangeMut",
    "ReadDir",
    "Splice",
    "Split",
    "SplitPaths",
    "SplitWhitespace",
    "SymmetricDifference",
    "ToLowercase",
    "ToUppercase",
    "Union",
    "Utf8Chunks",
    "Values",
    "ValuesMut",
    "Vars",
    "VarsOs",
];

const PULL_OF_OTHERS: [&str; 4] = [
    "futures_executor::local_pool::BlockingStream",
    "tokio::fs::read_dir::ReadDir",
    "tokio::io::util::lines::",
    "tokio::io::util::split::",
];

/// Of the standard library those that hold none of their arguments.
const EMPTY: [&str; 4] = [
    "core::marker::PhantomData",
    "core::mem::Discriminant",
    "std::sync::mpsc::Sender",
    "std::sync::mpsc::SyncSender",
];

const EITHER: &str = "futures_util::future::either::Either";

/// Types of tokio and futures that hold a value.
const LOCKS: [&str; 6] = [
    "futures_util::lock::mutex::",
    "tokio::sync::mutex::",
    "tokio::sync::once_cell::",
    "tokio::sync::rwlock",
    "tokio::sync::set_once::",
    "tokio::sync::watch::",
];
