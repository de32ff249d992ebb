//! The headers of a dead letter: the record's own, and ours.

use super::letter::{Letter, cut};
use crate::{context::Origin, dead_letter::names, record::Headers};

/// How much of ours goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    Full,
    /// Only the beginning of the error.
    Short,
    /// Only where and when the record was, and where it failed.
    Named,
    /// Only where the record comes from.
    Bare,
}

impl Size {
    /// The next smaller size, for a letter that the broker refuses as too large.
    pub(super) fn smaller(self) -> Option<Self> {
        match self {
            Self::Full => Some(Self::Short),
            Self::Short => Some(Self::Named),
            Self::Named => Some(Self::Bare),
            Self::Bare => None,
        }
    }
}

/// The most bytes of an error in a short letter.
const SHORT_ERROR: usize = 100;

/// All headers of a letter. Headers from an earlier time as a dead letter are replaced, except those about the first life of a
/// record that was sent back.
pub(super) fn of(letter: &Letter, size: Size) -> Headers {
    let mut headers = letter
        .original
        .as_deref()
        .map_or_else(Headers::new, |original| original.headers.without(&names::OURS));
    let context = &letter.context;
    let own = Origin::new(context.topic(), context.partition(), context.offset(), context.timestamp_millis());
    let first = Origin::of_redriven(&headers).map(|first| first.emit_id());
    if names::redrives(&headers) == 0 {
        // Of a record that was never sent back only a stranger can have said so.
        headers = headers.without(&names::OF_REDRIVEN);
    }
    let has_time = first.is_some() || headers.get(names::TIMESTAMP).is_some();
    let dropped = headers.dropped();
    let mut add = |name: &str, value: String| headers.push(name, Some(value));
    add(names::TOPIC, own.topic().to_owned());
    add(names::PARTITION, own.partition().to_string());
    add(names::OFFSET, own.offset().to_string());
    if size == Size::Bare {
        return headers;
    }
    if let Some(millis) = own.timestamp_millis().filter(|_| !has_time) {
        add(names::TIMESTAMP, millis.to_string());
    }
    add(names::STAGE, letter.called.stage.to_string());
    if dropped > 0 {
        add(names::DROPPED, dropped.to_string());
    }
    if size == Size::Named {
        return headers;
    }
    add(names::PATH, letter.called.path.to_string());
    add(names::EMIT_ID, first.unwrap_or_else(|| own.emit_id()).to_string());
    add(names::ATTEMPTS, context.attempt().to_string());
    let error = if size == Size::Full { &letter.error } else { cut(&letter.error, SHORT_ERROR) };
    add(names::ERROR, error.to_owned());
    headers
}
