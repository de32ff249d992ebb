//! The fingerprint of a record, compared when its offset is read again.

use xxhash_rust::xxh3::Xxh3;

use crate::broker::RecordRef;

/// Tells whether an offset still holds the record that it held before.
pub(crate) fn fingerprint(record: &RecordRef<'_>) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&record.timestamp.unwrap_or(-1).to_be_bytes());
    hash_parts(&mut hash, &[record.key, record.value]);
    hash.digest()
}

/// Hashes bytes some of which may be missing: that is told from empty ones, and where one part ends from where the next begins.
pub(crate) fn hash_parts(hash: &mut Xxh3, parts: &[Option<&[u8]>]) {
    for part in parts {
        let length = part.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        hash.update(&length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    }
}
