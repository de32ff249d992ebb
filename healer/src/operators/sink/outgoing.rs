//! The record that a sink makes of an item, before it is sent.

use std::sync::Arc;

use super::Sink;
use crate::{
    broker::OutRecord,
    codec::{Codec, CodecContext, CodecError, Part},
    context::millis,
    dead_letter::names::OF_REDRIVEN,
    operators::boundary::Envelope,
    record::Headers,
};

/// A record on its way.
pub(super) struct Outgoing {
    pub(super) topic: Arc<str>,
    /// The encoded value; sent only if `has_value`.
    pub(super) buffer: Vec<u8>,
    has_value: bool,
    key: Key,
    pub(super) headers: Option<Headers>,
    timestamp: Option<i64>,
}

enum Key {
    OfRecord,
    Chosen(Option<Vec<u8>>),
}

impl Outgoing {
    /// Encodes into `buffer`, whose capacity is used again and again. `tombstones` says whether `None` is no value.
    pub(super) fn new<T, C: Codec>(
        sink: &Sink<T, C>,
        item: &Envelope<T>,
        mut buffer: Vec<u8>,
        tombstones: bool,
    ) -> Result<Self, CodecError> {
        let Envelope { value, context, .. } = item;
        let chosen = sink.topic_of.as_ref().map(|topic_of| Arc::from(topic_of(value)));
        let topic = chosen.or_else(|| sink.topic.clone()).unwrap_or_else(|| Arc::from(""));
        // The headers of a redriven dead letter describe the source record, and are not true of the new one.
        let headers = sink.headers_of.as_ref().map(|headers_of| headers_of(value, context)).or_else(|| {
            let (headers, ours) = (context.headers(), &OF_REDRIVEN);
            headers.has_any(ours).then(|| headers.without(ours))
        });
        buffer.clear();
        let of = CodecContext::new(&topic, Part::Value);
        let of = of.with_headers(headers.as_ref().unwrap_or(context.headers()));
        let has_value = (sink.encode)(&sink.codec, value, &mut buffer, &of, tombstones)?;
        let time_of = sink.time_of.as_ref();
        Ok(Self {
            buffer,
            has_value,
            key: sink.key_of.as_ref().map_or(Key::OfRecord, |key_of| Key::Chosen(key_of(value, context))),
            timestamp: time_of.map_or(context.newest_millis(), |time_of| time_of(value, context).map(millis)),
            topic,
            headers,
        })
    }

    fn value(&self) -> Option<&[u8]> {
        self.has_value.then_some(&self.buffer)
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
            value: self.value(),
            headers: self.headers(item),
            timestamp: self.timestamp,
        }
    }
}
