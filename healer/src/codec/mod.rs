//! How values become bytes and bytes values.
//!
//! - **JSON is `serde_json`, made exact.** Its feature `float_roundtrip` reads a decimal as the number that is nearest to it;
//!   without, every tenth random `f64` comes back as its neighbour. A feature holds for the user's whole program, and this one is
//!   the only one that may: it changes no type and no signature, and it gives the number that each reader of the same text
//!   expects. `preserve_order`, `arbitrary_precision` and `raw_value` change the content of `Value` or its input, so they are the
//!   user's to choose. Writing goes through a serializer around `serde_json`'s (`codec/json/exact.rs`), which refuses NaN and
//!   infinities wherever they stand; `serde_json` would write `null`. Sinks, checkpoints and the inputs in reports are written by
//!   it.
//! - **A text that is only passed on** is a `RawJson`: checked to be one JSON text, which costs no more than skipping it, and
//!   kept. It is no serde type, since serde has no word for "these bytes as they are": `Json` reads and writes it by impls of its
//!   own.
//! - **Codecs** are lent a `CodecContext`: topic, part and headers of the record; on the poll thread the headers are parsed when
//!   one asks.
//! - **Bytes that cannot be read** are looked at once more (`codec/look.rs`), by the source and for all formats: marks of
//!   compression, of UTF-16, of a registry's framing and the like. The look is part of `CodecError`'s words, so it is in errors,
//!   logs, letters and reports alike.

mod context;
mod formats;
mod json;
mod look;
mod none;
#[cfg(test)]
mod tests;

use std::{error::Error as StdError, fmt};

use crate::error::BoxError;

pub use context::{CodecContext, Part};
pub use formats::{Bincode, Bytes, Text};
#[cfg(feature = "testing")]
pub(crate) use json::read_json;
pub(crate) use json::write_json;
pub use json::{Json, RawJson};

/// A format for values; [`Json`], [`Bincode`], [`Bytes`] and [`Text`] are provided, and users may write their own.
///
/// ```
/// use healer::{Codec, CodecContext, CodecError, Decode};
///
/// /// Numbers as big-endian bytes.
/// struct BigEndian;
///
/// impl Codec for BigEndian {
///     fn format(&self) -> &'static str {
///         "u32-be"
///     }
/// }
///
/// impl Decode<u32> for BigEndian {
///     fn decode(&self, bytes: &[u8], of: &CodecContext<'_>) -> Result<u32, CodecError> {
///         if of.headers().get("endian") == Some(b"little") {
///             return Err(CodecError::new("it is little-endian"));
///         }
///         let bytes = bytes.try_into().map_err(CodecError::new)?;
///         Ok(u32::from_be_bytes(bytes))
///     }
/// }
///
/// let stream = healer::kafka::source(BigEndian, "numbers").stream("numbers");
/// # let _ = stream.map(|n: u32| n + 1).heal();
/// ```
pub trait Codec: Send + Sync + 'static {
    /// The format's name, for descriptions and errors.
    fn format(&self) -> &'static str;
}

/// A format that reads a `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't read a `{T}` from a record's bytes",
    label = "no way to decode `{T}`",
    note = "for JSON and bincode add `#[derive(serde::Deserialize)]` to `{T}`"
)]
pub trait Decode<T>: Codec {
    /// Reads a value. `of` says which record's bytes they are: its topic, its headers, and whether they are its key or its value.
    ///
    /// # Errors
    /// Bytes that are no such value; the source's `on_error` decides the record's fate. Where the bytes look like something else
    /// (compressed, UTF-16, framed by a schema registry …), healer adds that to the error's words.
    fn decode(&self, bytes: &[u8], of: &CodecContext<'_>) -> Result<T, CodecError>;
}

/// A format that writes a `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't write a `{T}`, so its records could never be sent and their offsets never be settled",
    label = "no way to encode `{T}`",
    note = "for JSON and bincode add `#[derive(serde::Serialize)]` to `{T}`"
)]
pub trait Encode<T>: Codec {
    /// Appends a value's bytes. `of` says which record's they will be: the topic that it goes to, its headers, and whether they are its
    /// key or its value.
    ///
    /// # Errors
    /// A value that the format cannot express; it follows the failure policy of the sink.
    fn encode(&self, value: &T, into: &mut Vec<u8>, of: &CodecContext<'_>) -> Result<(), CodecError>;

    /// Whether the value is `None`, which a sink below a source with [`tombstones`](crate::Source::tombstones) writes as a record
    /// without a value. `false` by default.
    fn is_none(&self, value: &T) -> bool {
        let _ = value;
        false
    }
}

/// Bytes that are no value, or a value that cannot become bytes.
///
/// Its words are those of its cause; for a record that a source could not read they also tell the look of the bytes.
#[derive(Debug)]
pub struct CodecError(Box<Said>);

/// Apart, so that a codec's result is no larger for it.
#[derive(Debug)]
struct Said {
    cause: BoxError,
    look: Option<Box<str>>,
}

impl CodecError {
    /// One with a cause; a text will do.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(Box::new(Said { cause: cause.into(), look: None }))
    }

    /// Adds the look of the bytes that could not be read.
    #[cold]
    pub(crate) fn looking(mut self, bytes: &[u8], codec: &(impl Codec + ?Sized)) -> Self {
        self.0.look = look::of(bytes, codec.format()).map(String::into_boxed_str);
        self
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.cause.fmt(f)?;
        match &self.0.look {
            Some(look) => write!(f, "; {look}"),
            None => Ok(()),
        }
    }
}

impl StdError for CodecError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.source()
    }
}
