//! A record as it came in.

use std::sync::Arc;

use crate::{broker::RecordRef, record::Headers};

/// The parts of a dead letter.
#[derive(Debug)]
pub(crate) struct Original {
    /// Key and value side by side, shared with the piece that held the record, where it was large.
    body: Arc<Vec<u8>>,
    /// How long the key is.
    key: Option<usize>,
    has_value: bool,
    pub(crate) headers: Headers,
}

impl Original {
    pub(crate) fn of(record: &RecordRef<'_>) -> Self {
        let mut headers = Headers::new();
        record.headers.read(&mut headers);
        let body = record.headers.body().cloned();
        Self {
            body: body.unwrap_or_else(|| Arc::new(body_of(record.key, record.value))),
            key: record.key.map(<[u8]>::len),
            has_value: record.value.is_some(),
            headers,
        }
    }

    #[cfg(test)]
    pub(crate) fn new(key: Option<&[u8]>, value: Option<&[u8]>, headers: Headers) -> Self {
        let (length, has_value) = (key.map(<[u8]>::len), value.is_some());
        Self { body: Arc::new(body_of(key, value)), key: length, has_value, headers }
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.key.map(|length| &self.body[..length])
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        self.has_value.then(|| &self.body[self.key.unwrap_or(0)..])
    }
}

/// Key and value side by side.
pub(crate) fn body_of(key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
    [key.unwrap_or_default(), value.unwrap_or_default()].concat()
}
