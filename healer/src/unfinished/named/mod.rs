//! The answer of a type's name: for chains by hand, and for types that only the users of a generic function know.

mod paths;

use std::{any::type_name, borrow::Cow};

use crate::chain::Batch;
use paths::{Unfinished, by_path, holds};

/// Why a value of this type cannot count as done, and the mend; `None` for plain data.
pub(crate) fn fault<T>() -> Option<String> {
    told(type_name::<T>(), size_of::<T>())
}

fn told(name: &str, size: usize) -> Option<String> {
    let name = &*without_chars(name);
    // Of a batch the row is at fault.
    let is_rows = head(name) == head(type_name::<Batch<()>>());
    let name = arguments(name).filter(|_| is_rows).unwrap_or(name);
    let is_function = (size == 0 && is_function(name)).then_some(Unfinished::Run);
    let (because, mend) = match unfinished(name).or(is_function)? {
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

/// Why nothing may be made of the items of a list of this type, and the mend; `None` for a list that has all of them.
pub(crate) fn list_fault(name: &str) -> Option<String> {
    let list = name.trim_start_matches('&').trim_start_matches("mut ");
    // Adaptors have the iterator of a `Result` among their parameters.
    let is_among = |iter: &str| name.contains(&format!("core::result::{iter}<"));
    let has_none =
        list.starts_with("core::result::") || ["IntoIter", "Iter", "IterMut"].into_iter().any(is_among);
    if ["Receiver", "IntoIter", "Iter", "TryIter"]
        .iter()
        .any(|of| name.contains(&format!("std::sync::mpsc::{of}<")))
    {
        return Some(format!(
            "the list of what flows on is `{name}`, and a channel ends as it does where its sender fails: the offset would be committed and \
             the rest never sent; collect the items in the stage, and give an `Err` where the sender says that it failed"
        ));
    }
    has_none.then(|| {
        format!(
            "the list of what flows on is `{name}`, which has no item for an `Err`: the record would be skipped, its offset committed \
             and the error lost; let a `Result` fail first (the stage returns `Result<L, E>` with a list `L`, of a batch use \
             `try_map`), or say `.ok()` where errors are to be skipped"
        )
    })
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
        return by_path(head(for_any(object)));
    }
    if pointed_to(name).starts_with("fn()") || name.ends_with("::{{closure}}") {
        return Some(Unfinished::Run);
    }
    by_path(head(name)).or_else(|| arguments(name).filter(|_| holds(head(name))).and_then(any))
}

/// The object behind `for<'a>`, which stands before a function that takes a reference.
fn for_any(object: &str) -> &str {
    object.strip_prefix("for<").and_then(|rest| rest.split_once("> ")).map_or(object, |(_, object)| object)
}

/// A name without the characters that are parameters in it, as in `Quoted<'('>`: brackets among them would hold nothing together.
fn without_chars(name: &str) -> Cow<'_, str> {
    let Some(first) = name.find('\'') else { return Cow::Borrowed(name) };
    let (mut plain, mut rest) = (name[..first].to_owned(), &name[first..]);
    while let Some(behind) = rest.strip_prefix('\'') {
        let mut chars = behind.char_indices();
        let is_escaped = chars.next().is_some_and(|(_, first)| first == '\\');
        if is_escaped {
            chars.next();
        }
        // A lifetime has no second quote: that of an escape may be some way off, that of a character is the next.
        let end = if is_escaped {
            chars.find(|(_, c)| *c == '\'')
        } else {
            chars.next().filter(|(_, c)| *c == '\'')
        };
        rest = if let Some((end, _)) = end {
            plain.push_str("'_'");
            &behind[end + 1..]
        } else {
            plain.push('\'');
            behind
        };
        let next = rest.find('\'').unwrap_or(rest.len());
        plain.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(plain)
}

/// The type of a pointer to a function, without `unsafe` and `extern "…"` before its `fn`.
fn pointed_to(name: &str) -> &str {
    let name = name.strip_prefix("unsafe ").unwrap_or(name);
    match name.strip_prefix("extern \"").and_then(|abi| abi.split_once("\" ")) {
        Some((_, behind)) => behind,
        None => name,
    }
}

/// Whether a type without data is a function, by the case of its name.
fn is_function(name: &str) -> bool {
    match parts(name, ':').as_slice() {
        [_, .., last] => last.starts_with(|first: char| first.is_lowercase() || first == '_'),
        _ => false,
    }
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
mod tests;
