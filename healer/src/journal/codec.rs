//! The one place that knows bincode: version byte, checksum, body, and never more than a row's limit.
//!
//! bincode is no longer maintained, so nothing else may depend on its format, and keys never do.

use bincode::{DefaultOptions, ErrorKind, Options};
use healer_store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest row, in bytes: 16 MiB.
pub const MAX_ROW_BYTES: u64 = 16 << 20;

/// A kind of rows.
pub(super) trait Row: Serialize {
    /// The version of its format, its first byte.
    const VERSION: u8;
}

const HEADER: usize = 1 + size_of::<u32>();

fn options() -> impl Options {
    DefaultOptions::new().with_limit(MAX_ROW_BYTES)
}

/// The checksum covers the key too, so that a row that turns up under another key is not believed.
fn checksum(version: u8, key: &[u8], body: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(body);
    hasher.finalize().to_be_bytes()
}

/// The row that stands for `value` under `key`; the last parameter names it in the error.
pub(super) fn encode<T: Row>(
    key: &[u8],
    value: &T,
    what: impl FnOnce() -> String,
) -> Result<Vec<u8>, StoreError> {
    let body = match options().serialize(value) {
        Ok(body) => body,
        Err(error) if matches!(*error, ErrorKind::SizeLimit) => {
            let bytes = DefaultOptions::new().serialized_size(value).unwrap_or(u64::MAX);
            return Err(StoreError::TooLarge { what: what(), bytes, limit: MAX_ROW_BYTES });
        }
        Err(error) => return Err(StoreError::backend(error)),
    };
    let mut row = Vec::with_capacity(HEADER + body.len());
    row.push(T::VERSION);
    row.extend_from_slice(&checksum(T::VERSION, key, &body));
    row.extend_from_slice(&body);
    Ok(row)
}

/// The value of a row, or why it cannot be believed.
pub(super) fn decode<T: Row + DeserializeOwned>(key: &[u8], row: &[u8]) -> Result<T, String> {
    match row.first() {
        None => return Err("its row is empty".to_owned()),
        Some(version) if *version == T::VERSION => {}
        Some(version) => {
            return Err(format!("its row has format version {version}, this build reads {}", T::VERSION));
        }
    }
    let Some((found, body)) = row[1..].split_first_chunk::<4>() else {
        return Err(format!("its row was cut to {} bytes", row.len()));
    };
    if *found != checksum(T::VERSION, key, body) {
        return Err("its row fails its checksum".to_owned());
    }
    options().deserialize(body).map_err(|error| format!("its row does not decode: {error}"))
}
