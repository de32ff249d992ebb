//! What a record becomes, before it is sent.

use std::sync::Arc;

use super::Sink;
use crate::{
    broker::OutRecord,
    codec::{Codec, CodecError},
    context::Headers,
    dead_letter,
    operators::boundary::Envelope,
};

/// A record on its way.
pub(super) struct Outgoing {
    pub(super) topic: Arc<str>,
    pub(super) value: Vec<u8>,
    key: Key,
    pub(super) headers: Option<Headers>,
}

enum Key {
    OfRecord,
    Chosen(Option<Vec<u8>>),
}

impl Outgoing {
    /// Encodes into `buffer`, whose capacity is used again and again.
    pub(super) fn new<T, C: Codec>(
        sink: &Sink<T, C>,
        item: &Envelope<T>,
        mut buffer: Vec<u8>,
    ) -> Result<Self, CodecError> {
        let Envelope { value, context, .. } = item;
        buffer.clear();
        (sink.encode)(&sink.codec, value, &mut buffer)?;
        let chosen = sink.topic_of.as_ref().map(|topic_of| Arc::from(topic_of(value)));
        Ok(Self {
            topic: chosen.or_else(|| sink.topic.clone()).unwrap_or_else(|| Arc::from("")),
            value: buffer,
            key: sink.key_of.as_ref().map_or(Key::OfRecord, |key_of| Key::Chosen(key_of(value, context))),
            // What is said of a record that was a dead letter is not true of what it becomes.
            headers: sink.headers_of.as_ref().map(|headers_of| headers_of(value, context)).or_else(|| {
                let (headers, ours) = (context.headers(), &dead_letter::OF_REDRIVEN);
                headers.has_any(ours).then(|| headers.without(ours))
            }),
        })
    }

    pub(super) fn headers<'a, T>(&'a self, item: &'a Envelope<T>) -> &'a Headers {
        self.headers.as_ref().unwrap_or(item.context.headers())
    }

    pub(super) fn record<'a, T>(&'a self, item: &'a Envelope<T>) -> OutRecord<'a> {
        OutRecord {
            topic: &self.topic,
            key: match &self.key {
                Key::OfRecord => item.context.key(),
                Key::Chosen(key) => key.as_deref(),
            },
            value: Some(&self.value),
            headers: self.headers(item),
            timestamp: None,
        }
    }
}
