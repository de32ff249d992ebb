//! bincode, bytes and text.

use bincode::Options as _;
use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, CodecContext, CodecError, Decode, Encode, none};

/// bincode 1 through serde: fixed-size integers, little endian, as `bincode::serialize` writes.
///
/// It is compact and quick, but not self-describing: it cannot read types with `#[serde(flatten)]`, `untagged` or
/// `skip_serializing_if`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bincode;

/// A length inside the bytes may ask for no more than the largest record that a broker would take.
const BINCODE_LIMIT: u64 = 64 * 1024 * 1024;

impl Codec for Bincode {
    fn format(&self) -> &'static str {
        "bincode"
    }
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Decode<T> for Bincode {
    fn decode(&self, bytes: &[u8], _: &CodecContext<'_>) -> Result<T, CodecError> {
        let limit = BINCODE_LIMIT.min(bytes.len() as u64);
        let options = bincode::DefaultOptions::new().with_fixint_encoding().with_limit(limit);
        options.deserialize(bytes).map_err(CodecError::new)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Encode<T> for Bincode {
    fn encode(&self, value: &T, into: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<(), CodecError> {
        let options = bincode::DefaultOptions::new().with_fixint_encoding().with_limit(BINCODE_LIMIT);
        options.serialize_into(into, value).map_err(CodecError::new)
    }

    fn is_none(&self, value: &T) -> bool {
        none::is_none(value)
    }
}

/// Bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bytes;

impl Codec for Bytes {
    fn format(&self) -> &'static str {
        "bytes"
    }
}

impl Decode<Vec<u8>> for Bytes {
    fn decode(&self, bytes: &[u8], _: &CodecContext<'_>) -> Result<Vec<u8>, CodecError> {
        Ok(bytes.to_vec())
    }
}

impl Encode<Vec<u8>> for Bytes {
    fn encode(&self, value: &Vec<u8>, into: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<(), CodecError> {
        into.extend_from_slice(value);
        Ok(())
    }
}

/// UTF-8 text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl Codec for Text {
    fn format(&self) -> &'static str {
        "string"
    }
}

impl Decode<String> for Text {
    fn decode(&self, bytes: &[u8], _: &CodecContext<'_>) -> Result<String, CodecError> {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(CodecError::new)
    }
}

impl Encode<String> for Text {
    fn encode(&self, value: &String, into: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<(), CodecError> {
        into.extend_from_slice(value.as_bytes());
        Ok(())
    }
}
