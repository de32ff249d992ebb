//! The facts that a codec may know of the record whose bytes it reads or writes.

use std::{cell::OnceCell, fmt};

use crate::{broker::RecordRef, context::Context, record::Headers};

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
    of: Of<'a>,
    part: Part,
    read: OnceCell<Headers>,
}

enum Of<'a> {
    Known {
        topic: &'a str,
        headers: Option<&'a Headers>,
    },
    /// Nothing is read of it as long as nobody asks.
    Record(&'a Context, &'a RecordRef<'a>),
}

impl<'a> CodecContext<'a> {
    /// That of a record without headers, for codecs that are called by hand.
    pub fn new(topic: &'a str, part: Part) -> Self {
        Self { of: Of::Known { topic, headers: None }, part, read: OnceCell::new() }
    }

    /// With these headers.
    pub fn with_headers(self, headers: &'a Headers) -> Self {
        Self { of: Of::Known { topic: self.topic(), headers: Some(headers) }, ..self }
    }

    /// That of the value of a record that has just come in.
    #[inline]
    pub(crate) fn unread(context: &'a Context, record: &'a RecordRef<'a>) -> Self {
        Self { of: Of::Record(context, record), part: Part::Value, read: OnceCell::new() }
    }

    /// The topic that the record comes from; in a sink the one that it goes to.
    pub fn topic(&self) -> &'a str {
        match self.of {
            Of::Known { topic, .. } => topic,
            Of::Record(context, _) => context.topic(),
        }
    }

    /// Whether the bytes are the record's key or its value.
    pub fn part(&self) -> Part {
        self.part
    }

    /// The record's headers; in a sink those that go along.
    pub fn headers(&self) -> &Headers {
        match self.of {
            Of::Known { headers: Some(headers), .. } => headers,
            Of::Known { headers: None, .. } => self.read.get_or_init(Headers::new),
            Of::Record(_, record) => self.read.get_or_init(|| {
                let mut headers = Headers::new();
                record.headers.read(&mut headers);
                headers
            }),
        }
    }
}

impl fmt::Debug for CodecContext<'_> {
    // Header values are the users' data: a log line must not carry them unasked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = &self.part;
        f.debug_struct("CodecContext")
            .field("topic", &self.topic())
            .field("part", part)
            .finish_non_exhaustive()
    }
}
