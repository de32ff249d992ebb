//! What a codec may know of the record whose bytes it reads or writes.

use std::{cell::OnceCell, fmt};

use crate::{broker::ReadHeaders, context::Headers};

/// Which of a record's bytes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// The record that a codec works on: its topic, its headers, and which part of it is read or written.
///
/// Headers are parsed when they are asked for, so a codec that does not ask pays nothing for them.
///
/// ```
/// use healer::{CodecContext, Decode, Json, Part};
///
/// let of = CodecContext::new("orders", Part::Value);
/// let cents: Vec<u64> = Json.decode(b"[1250]", &of)?;
/// assert_eq!((cents, of.topic()), (vec![1250], "orders"));
/// # Ok::<(), healer::CodecError>(())
/// ```
pub struct CodecContext<'a> {
    topic: &'a str,
    part: Part,
    headers: Held<'a>,
    read: OnceCell<Headers>,
}

enum Held<'a> {
    None,
    Known(&'a Headers),
    Unread(&'a dyn ReadHeaders),
}

impl<'a> CodecContext<'a> {
    /// That of a record without headers, for codecs that are called by hand.
    pub fn new(topic: &'a str, part: Part) -> Self {
        Self { topic, part, headers: Held::None, read: OnceCell::new() }
    }

    /// With these headers.
    pub fn with_headers(self, headers: &'a Headers) -> Self {
        Self { headers: Held::Known(headers), ..self }
    }

    /// With headers that nobody has read yet.
    #[inline]
    pub(crate) fn unread(topic: &'a str, headers: &'a dyn ReadHeaders) -> Self {
        Self { topic, part: Part::Value, headers: Held::Unread(headers), read: OnceCell::new() }
    }

    /// The topic that the record comes from; in a sink the one that it goes to.
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// Whether the bytes are the record's key or its value.
    pub fn part(&self) -> Part {
        self.part
    }

    /// The record's headers; in a sink those that go along.
    pub fn headers(&self) -> &Headers {
        match self.headers {
            Held::Known(headers) => headers,
            Held::None => self.read.get_or_init(Headers::new),
            Held::Unread(unread) => self.read.get_or_init(|| {
                let mut headers = Headers::new();
                unread.read(&mut headers);
                headers
            }),
        }
    }
}

impl fmt::Debug for CodecContext<'_> {
    // Header values are the users' data: a log line must not carry them unasked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, part, .. } = self;
        f.debug_struct("CodecContext").field("topic", topic).field("part", part).finish_non_exhaustive()
    }
}
