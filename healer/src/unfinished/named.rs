//! The answer of a type's name: for chains by hand, and for types that only the users of a generic function know.

use std::any::type_name;

use crate::operators::Rows;

/// The work that is still to be done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfinished {
    /// To look whether it failed.
    Judge,
    /// To await or to call it: the compiler has one name for closures and `async` blocks.
    Run,
    /// To pull its items.
    Pull,
}

/// Why a value of this type cannot count as done, and the mend; `None` for plain data.
pub(crate) fn fault(name: &str) -> Option<String> {
    // Of a batch the row is at fault.
    let is_rows = head(name) == head(type_name::<Rows<()>>());
    let name = arguments(name).filter(|_| is_rows).unwrap_or(name);
    let (because, mend) = match unfinished(name)? {
        Unfinished::Judge => (
            "the offset of an `Err` in there would be committed and its record lost",
            "use `try_map`, or a stage that returns or takes a `Result`",
        ),
        Unfinished::Run => (
            "nobody awaits or calls it, so the offset would be committed and the work never done",
            "await it in an `async` stage",
        ),
        Unfinished::Pull => (
            "it runs only while it is pulled, so the offset would be committed and the work never done",
            "collect it, or give its items from a stage with `#[stage(flat)]`",
        ),
    };
    Some(format!(
        "it gives `{name}`, and a value counts as done at `heal`, a sink, a checkpoint or in a batch: {because}; {mend}, or wrap \
         it in `healer::Plain` if it is meant as a value"
    ))
}

fn unfinished(name: &str) -> Option<Unfinished> {
    if let Some(behind) = name.strip_prefix('&') {
        return unfinished(behind.strip_prefix("mut ").unwrap_or(behind));
    }
    if let Some(inside) = enclosed(name, '(', ')') {
        return any(inside);
    }
    if let Some(inside) = enclosed(name, '[', ']') {
        return parts(inside, ';').first().copied().and_then(unfinished);
    }
    if let Some(object) = name.strip_prefix("dyn ") {
        return by_path(head(object));
    }
    if name.starts_with("fn()") || name.ends_with("::{{closure}}") {
        return Some(Unfinished::Run);
    }
    let holds = is_of_std(name) && head(name) != "core::marker::PhantomData";
    by_path(head(name)).or_else(|| arguments(name).filter(|_| holds).and_then(any))
}

/// What a type, or the trait of an object, is by its path.
fn by_path(path: &str) -> Option<Unfinished> {
    const JUDGE: [&str; 3] =
        ["core::result::Result", "core::ops::control_flow::ControlFlow", "core::task::poll::Poll"];
    const RUN: [&str; 15] = [
        "core::future::",
        "core::ops::function::Fn()",
        "core::ops::function::FnMut()",
        "core::ops::function::FnOnce()",
        "core::cell::lazy::",
        "std::sync::lazy_lock::",
        "std::thread::join_handle::",
        "futures_core::",
        "futures_util::future::",
        "futures_util::stream::",
        "tokio::runtime::task::join::",
        "tokio::sync::oneshot::Receiver",
        "tokio::task::join_set::",
        "tokio::time::sleep::",
        "tokio::time::timeout::",
    ];
    const PULL: [&str; 12] = [
        "Args",
        "Bytes",
        "Drain",
        "IntoIter",
        "IntoKeys",
        "IntoValues",
        "Iter",
        "Keys",
        "Lines",
        "ReadDir",
        "Split",
        "Values",
    ];
    let pulls =
        || path.contains("::iter::") || path.rsplit("::").next().is_some_and(|last| PULL.contains(&last));
    if JUDGE.contains(&path) {
        Some(Unfinished::Judge)
    } else if RUN.iter().any(|of| path.starts_with(of)) {
        Some(Unfinished::Run)
    } else {
        (is_of_std(path) && pulls()).then_some(Unfinished::Pull)
    }
}

fn is_of_std(path: &str) -> bool {
    ["core::", "alloc::", "std::"].iter().any(|of| path.starts_with(of))
}

/// A path without its arguments.
fn head(name: &str) -> &str {
    name.split('<').next().unwrap_or(name)
}

/// The arguments of a path, as one list.
fn arguments(name: &str) -> Option<&str> {
    name.split_once('<')?.1.strip_suffix('>')
}

fn enclosed(name: &str, open: char, close: char) -> Option<&str> {
    name.strip_prefix(open)?.strip_suffix(close)
}

/// The first finding in a list of types.
fn any(list: &str) -> Option<Unfinished> {
    parts(list, ',').into_iter().find_map(|part| unfinished(part.trim()))
}

/// The parts of a list that no bracket holds together.
fn parts(list: &str, between: char) -> Vec<&str> {
    let (mut depth, mut before) = (0_usize, ' ');
    list.split(|here: char| {
        match here {
            '(' | '[' | '<' => depth += 1,
            // Not that of `fn() -> u8`.
            ')' | ']' | '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = here;
        depth == 0 && here == between
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::{
        borrow::Cow,
        collections::{BTreeMap, HashMap},
        marker::PhantomData,
        ops::{ControlFlow, Range, RangeInclusive},
        pin::Pin,
        sync::{Arc, LazyLock, Mutex},
        task::Poll,
    };

    use super::*;
    use crate::Plain;

    type Failed = Result<u8, String>;

    #[allow(clippy::unused_async, reason = "its type is what this is about")]
    async fn save(_: u8) {}

    fn of<T>(_: T) -> Option<Unfinished> {
        unfinished(type_name::<T>())
    }

    fn is<T: ?Sized>() -> Option<Unfinished> {
        unfinished(type_name::<T>())
    }

    #[test]
    fn what_may_have_failed_is_known_wherever_it_is_held() {
        let all = [
            is::<Failed>(),
            is::<Vec<Failed>>(),
            is::<(u8, Failed)>(),
            is::<[[Failed; 3]; 2]>(),
            is::<Box<Failed>>(),
            is::<Box<[Failed]>>(),
            is::<Option<Arc<Mutex<Failed>>>>(),
            is::<&'static mut Failed>(),
            is::<&'static [Failed]>(),
            is::<Cow<'static, [Failed]>>(),
            is::<HashMap<String, (fn(u8) -> u8, Failed)>>(),
            is::<BTreeMap<String, Vec<Failed>>>(),
            is::<ControlFlow<u8>>(),
            is::<Poll<u8>>(),
            is::<std::sync::Weak<Failed>>(),
        ];
        assert!(all.iter().all(|found| *found == Some(Unfinished::Judge)), "{all:?}");
    }

    #[tokio::test]
    async fn what_is_still_to_be_run_is_known() {
        let all = [
            of(save(1)),
            of(vec![save(1)]),
            of(Box::pin(save(1))),
            of(Box::pin(save(1)) as Pin<Box<dyn Future<Output = ()> + Send>>),
            of(std::future::ready(Failed::Ok(1))),
            of(std::future::poll_fn(|_| Poll::Ready(1))),
            of(futures_util::future::join_all([save(1)])),
            of(futures_util::stream::iter([1])),
            of(tokio::spawn(save(1))),
            of(tokio::time::sleep(std::time::Duration::ZERO)),
            of(tokio::time::timeout(std::time::Duration::ZERO, save(1))),
            of(tokio::task::JoinSet::<()>::new()),
            of(tokio::sync::oneshot::channel::<u8>().1),
            of(std::thread::spawn(|| ())),
            of(|| save(1)),
            of((|| ()) as fn()),
            of(Box::new(|| ()) as Box<dyn FnOnce() + Send>),
            is::<LazyLock<u8>>(),
        ];
        assert!(all.iter().all(|found| *found == Some(Unfinished::Run)), "{all:?}");
    }

    #[test]
    fn what_nobody_pulled_is_known() {
        let all = [
            of(vec![1].into_iter()),
            of([1].into_iter().map(|n: u8| n)),
            of(Box::new([1_u8].into_iter()) as Box<dyn Iterator<Item = u8> + Send>),
            of(std::iter::once(1)),
            of(Some(1).into_iter()),
            of("a b".split(' ')),
            of(HashMap::<u8, u8>::new().into_keys()),
            of(BTreeMap::<u8, u8>::new().into_iter()),
            is::<std::io::Lines<std::io::Empty>>(),
        ];
        assert!(all.iter().all(|found| *found == Some(Unfinished::Pull)), "{all:?}");
    }

    #[test]
    fn data_is_data() {
        struct Own<T>(PhantomData<T>);
        let all = [
            is::<(u8, String)>(),
            is::<Option<Vec<Option<u8>>>>(),
            is::<Range<u8>>(),
            is::<RangeInclusive<u8>>(),
            is::<Plain<Failed>>(),
            is::<Vec<Plain<Failed>>>(),
            is::<PhantomData<Failed>>(),
            is::<Own<Failed>>(),
            is::<fn(&str) -> Failed>(),
            is::<Box<dyn Fn(u8) -> Failed + Send>>(),
            is::<Box<dyn std::error::Error>>(),
            is::<tokio::time::Instant>(),
            is::<std::thread::ThreadId>(),
            is::<serde_json::Value>(),
            is::<()>(),
        ];
        assert!(all.iter().all(Option::is_none), "{all:?}");
    }

    #[test]
    fn of_a_batch_the_row_is_named() {
        let text = fault(type_name::<Rows<Failed>>()).unwrap();
        assert_eq!(Some(text), fault(type_name::<Failed>()));
    }
}
