//! The bytes of a record in a report: as text where they are text.

use std::{borrow::Cow, fmt};

use base64::DecodeError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{context::Original, json::Written};

/// A record as it came in.
///
/// Its `Debug` shows sizes, not data.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawRecord {
    /// `None` where it has none.
    pub key: Option<Vec<u8>>,
    /// `None` is a tombstone; empty bytes are a value.
    pub value: Option<Vec<u8>>,
    /// Names with values, in order, repeats kept.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl RawRecord {
    pub(crate) fn of(original: &Original) -> Self {
        let headers = original.headers.iter();
        Self {
            key: original.key().map(<[u8]>::to_vec),
            value: original.value().map(<[u8]>::to_vec),
            headers: headers.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect(),
        }
    }
}

impl fmt::Debug for RawRecord {
    // A record's data is its users': a log line must not carry it unasked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRecord")
            .field("key_bytes", &self.key.as_ref().map(Vec::len))
            .field("value_bytes", &self.value.as_ref().map(Vec::len))
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenHeader<'a> {
    name: Cow<'a, str>,
    value: Option<Written<'a>>,
}

#[derive(Serialize, Deserialize)]
struct WrittenRecord<'a> {
    key: Option<Written<'a>>,
    value: Option<Written<'a>>,
    #[serde(default)]
    headers: Vec<WrittenHeader<'a>>,
}

impl Serialize for RawRecord {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let headers = self.headers.iter().map(|(name, value)| WrittenHeader {
            name: Cow::Borrowed(name.as_str()),
            value: value.as_deref().map(Written::of),
        });
        let written = WrittenRecord {
            key: self.key.as_deref().map(Written::of),
            value: self.value.as_deref().map(Written::of),
            headers: headers.collect(),
        };
        written.serialize(to)
    }
}

impl<'de> Deserialize<'de> for RawRecord {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = WrittenRecord::deserialize(from)?;
        let mut headers = Vec::with_capacity(written.headers.len());
        for WrittenHeader { name, value } in written.headers {
            headers.push((name.into_owned(), read(value).map_err(D::Error::custom)?));
        }
        Ok(Self {
            key: read(written.key).map_err(D::Error::custom)?,
            value: read(written.value).map_err(D::Error::custom)?,
            headers,
        })
    }
}

fn read(written: Option<Written<'_>>) -> Result<Option<Vec<u8>>, DecodeError> {
    written.map(Written::into_bytes).transpose()
}
