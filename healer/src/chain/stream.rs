//! A stream: a chain that is being written, with the draft of its nodes.

use super::Link;
use crate::topology::{Draft, NodeDraft};

/// Records on their way, each with its offset beside it.
///
/// A stream starts at a source and must end in [`heal`](Stream::heal): without that end it is no [`Healed`](super::Healed) and makes
/// no app. It may have any number of nodes. A function takes and gives one as `Stream<impl Link<Out = T>>`: see [`Link`].
///
/// Values are moved by value from stage to stage, and for a run of synchronous stages all of them are on the stack at once, unoptimised
/// up to eight times a hand. The stack grows as far as that needs, on threads of healer and of tokio, and 512 KiB are left for
/// each function of yours. Memory is the bound: put values above some 64 KiB into a `Box`, which is cheaper to move as well.
///
/// ```
/// use healer::prelude::*;
///
/// let healed = kafka::text("lines")
///     .stream("lines")
///     .map(|line: String| line.len())
///     .filter(|length| *length > 0)
///     .reason("empty")
///     .heal();
/// let app = App::new("count").chain(healed);
/// assert!(app.describe().to_string().contains("lines"));
/// ```
#[must_use = "this stream never reaches `heal`: the offsets of its records would never be committed"]
pub struct Stream<C> {
    pub(crate) link: C,
    pub(crate) draft: Draft,
}

impl<C: Link> Stream<C> {
    pub(crate) fn new(link: C, first: NodeDraft) -> Self {
        Self { link, draft: Draft::new(first) }
    }
}
