//! A record as it came in.

use super::Headers;
use crate::broker::RecordRef;

/// What a dead letter is made of.
#[derive(Debug)]
pub(crate) struct Original {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
}

impl Original {
    pub(crate) fn of(record: &RecordRef<'_>) -> Self {
        let mut headers = Headers::new();
        record.headers.read(&mut headers);
        Self { key: record.key.map(<[u8]>::to_vec), value: record.value.map(<[u8]>::to_vec), headers }
    }
}
