//! The headers of a dead letter: the record's own, and ours.

use super::letter::{Letter, cut};
use crate::{context::Headers, dead_letter as names};

/// How much of ours goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    Full,
    /// Only the beginning of the error.
    Short,
    /// Only where the record comes from.
    Bare,
}

impl Size {
    /// What is tried when the broker will not have so much.
    pub(super) fn smaller(self) -> Option<Self> {
        match self {
            Self::Full => Some(Self::Short),
            Self::Short => Some(Self::Bare),
            Self::Bare => None,
        }
    }
}

/// The most bytes of an error in a short letter.
const SHORT_ERROR: usize = 100;

/// All headers of a letter. Those that it has from an earlier time as a dead letter are replaced.
pub(super) fn of(letter: &Letter, size: Size) -> Headers {
    let original = letter.original.as_deref();
    let mut headers = original.map_or_else(Headers::new, |original| original.headers.without(&names::OURS));
    let has_time = headers.get(names::TIMESTAMP).is_some();
    let context = &letter.context;
    let mut add = |name: &str, value: String| headers.push(name, Some(value));
    add(names::TOPIC, context.topic().to_owned());
    add(names::PARTITION, context.partition().to_string());
    add(names::OFFSET, context.offset().to_string());
    if size == Size::Bare {
        return headers;
    }
    if let Some(millis) = context.timestamp_millis().filter(|_| !has_time) {
        add(names::TIMESTAMP, millis.to_string());
    }
    add(names::EMIT_ID, context.emit_id().to_string());
    add(names::STAGE, letter.stage.to_string());
    add(names::ATTEMPTS, context.attempt().to_string());
    let error = if size == Size::Full { &letter.error } else { cut(&letter.error, SHORT_ERROR) };
    add(names::ERROR, error.to_owned());
    headers
}
