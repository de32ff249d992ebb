//! JSON: through serde, or as the text that it is.

mod exact;
mod raw;

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, CodecContext, CodecError, Decode, Encode, none};

pub(crate) use exact::write as write_json;
pub use raw::RawJson;

/// JSON through serde.
///
/// A value stays the same: a decimal is read as the `f64` or `f32` that is nearest to it and written so that it reads back as
/// the same, integers up to the limits of `u64`, `i64`, `u128` and `i128` are exact, and one that does not fit the field's type
/// is an error. A value that JSON cannot express is an error too, not `null`: NaN and infinities, and keys of maps that are no
/// text, number or `bool`.
///
/// Where the *type* keeps less than the text, that is lost before anything is written. `serde_json::Value` keeps integers beyond 64 bits and
/// decimals as `f64` (`327267367867168100000` is written as `3.272673678671681e+20`), the keys of an object in their alphabetical
/// order, and the last of several values of one key. To pass a text on as it came, read it with [`kafka::raw_json`](crate::kafka::raw_json); a
/// field of a struct may be the `RawValue` of `serde_json`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Codec for Json {
    fn format(&self) -> &'static str {
        "json"
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Decode<T> for Json {
    #[inline]
    fn decode(&self, bytes: &[u8], _: &CodecContext<'_>) -> Result<T, CodecError> {
        read_json(bytes)
    }
}

/// Reads a value.
///
/// # Errors
/// Bytes that are no such value.
#[inline(never)] // Whole, as the one function of its type: in parts it costs a tenth more.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    // One look at all bytes costs less than one at each string. Bytes that are not UTF-8 may still lie where nobody reads them.
    let value = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(bytes),
    };
    value.map_err(CodecError::new)
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Encode<T> for Json {
    fn encode(&self, value: &T, into: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<(), CodecError> {
        exact::write(value, into).map_err(CodecError::new)
    }

    fn is_none(&self, value: &T) -> bool {
        none::is_none(value)
    }
}

#[diagnostic::do_not_recommend]
impl Decode<RawJson> for Json {
    fn decode(&self, bytes: &[u8], _: &CodecContext<'_>) -> Result<RawJson, CodecError> {
        RawJson::new(std::str::from_utf8(bytes).map_err(CodecError::new)?)
    }
}

#[diagnostic::do_not_recommend]
impl Encode<RawJson> for Json {
    fn encode(&self, json: &RawJson, into: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<(), CodecError> {
        into.extend_from_slice(json.as_str().as_bytes());
        Ok(())
    }
}
