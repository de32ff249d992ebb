//! How values become bytes and bytes values.

mod formats;
#[cfg(test)]
mod tests;

use crate::error::BoxError;

pub use formats::{Bincode, Bytes, Json, Text};

/// A format for values; [`Json`], [`Bincode`], [`Bytes`] and [`Text`] are provided, and users may write their own.
///
/// ```
/// use healer::{Codec, CodecError, Decode};
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
///     fn decode(&self, bytes: &[u8]) -> Result<u32, CodecError> {
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
    /// Reads a value.
    ///
    /// # Errors
    /// Bytes that are no such value; the source's `on_error` decides what happens then.
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError>;
}

/// A format that writes a `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't write a `{T}`, so its records could never be sent and their offsets never be settled",
    label = "no way to encode `{T}`",
    note = "for JSON and bincode add `#[derive(serde::Serialize)]` to `{T}`"
)]
pub trait Encode<T>: Codec {
    /// Appends a value's bytes.
    ///
    /// # Errors
    /// A value that the format cannot express; it follows the failure policy of the sink.
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError>;
}

/// Bytes that are no value, or a value that cannot become bytes.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CodecError(BoxError);

impl CodecError {
    /// One with a cause; a text will do.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }
}
