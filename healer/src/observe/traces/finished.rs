//! Spans that have ended, and their form for a collector. The thread that sends them brings them into that form.

use std::{sync::Arc, time::SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, SpanKind, Status},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use uuid::Uuid;

use super::source::Source;
use crate::record::emit_id;

/// A span that has ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) ids: SpanContext,
    pub(super) parent: SpanId,
    /// Whether that is in another process, or another run of a pipeline.
    pub(super) parent_is_remote: bool,
    pub(super) name: Arc<str>,
    pub(super) began: SystemTime,
    pub(super) ended: SystemTime,
    /// Why it failed, if it did.
    pub(super) fault: Option<String>,
    pub(super) what: What,
}

/// The subject of a span.
#[derive(Debug)]
pub(super) enum What {
    /// A record, from the source to its end.
    Record { source: Arc<Source>, offset: i64, timestamp: Option<i64> },
    /// A call of a stage.
    Call { attempt: u32, skipped: bool },
    /// A call with many rows.
    Batch(Box<Batch>),
    /// A record that was sent; the topic is not known of one that could not be encoded.
    Send { topic: Option<Arc<str>> },
}

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) pipeline: Arc<str>,
    pub(super) emit_id: Uuid,
    pub(super) attempt: u32,
    pub(super) rows: usize,
    pub(super) links: Vec<SpanContext>,
    /// How many more there would be.
    pub(super) left_out: usize,
}

impl Finished {
    pub(super) fn into_data(self, scope: &InstrumentationScope) -> SpanData {
        let Self { ids, parent, parent_is_remote, name, began, ended, fault, what } = self;
        let mut links = SpanLinks::default();
        let (span_kind, attributes) = match what {
            What::Record { source, offset, timestamp } => {
                (SpanKind::Consumer, of_record(&source, offset, timestamp))
            }
            What::Call { attempt, skipped } => {
                let mut attributes = vec![KeyValue::new("healer.attempt", i64::from(attempt))];
                if skipped {
                    attributes.push(KeyValue::new("healer.skipped", true));
                }
                (SpanKind::Internal, attributes)
            }
            What::Batch(mut batch) => {
                links.dropped_count = u32::try_from(batch.left_out).unwrap_or(u32::MAX);
                links.links = batch.links.drain(..).map(|row| Link::new(row, Vec::new(), 0)).collect();
                (SpanKind::Internal, of_batch(&batch))
            }
            What::Send { topic } => (SpanKind::Producer, messaging("send", topic)),
        };
        SpanData {
            span_context: ids,
            parent_span_id: parent,
            parent_span_is_remote: parent_is_remote,
            span_kind,
            name: name.to_string().into(),
            start_time: began,
            end_time: ended,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: fault.map_or(Status::Unset, Status::error),
            instrumentation_scope: scope.clone(),
        }
    }
}

/// By OpenTelemetry's conventions for messaging.
fn messaging(operation: &'static str, topic: Option<Arc<str>>) -> Vec<KeyValue> {
    let topic = topic.map(|topic| KeyValue::new("messaging.destination.name", topic));
    let others = [
        KeyValue::new("messaging.system", "kafka"),
        KeyValue::new("messaging.operation.name", operation),
        KeyValue::new("messaging.operation.type", operation),
    ];
    others.into_iter().chain(topic).collect()
}

fn of_record(source: &Source, offset: i64, timestamp: Option<i64>) -> Vec<KeyValue> {
    let Source { pipeline, partition, .. } = source;
    let emit_id = emit_id(&partition.topic, partition.partition, offset, timestamp);
    let mut attributes = messaging("process", Some(Arc::clone(&partition.topic)));
    attributes.extend([
        KeyValue::new("messaging.destination.partition.id", partition.partition.to_string()),
        KeyValue::new("messaging.kafka.offset", offset),
        KeyValue::new("healer.pipeline", Arc::clone(&pipeline.name)),
        KeyValue::new("healer.emit_id", emit_id.to_string()),
    ]);
    let group = pipeline.group.clone();
    attributes.extend(group.map(|group| KeyValue::new("messaging.consumer.group.name", group)));
    attributes
}

fn of_batch(batch: &Batch) -> Vec<KeyValue> {
    let rows = i64::try_from(batch.rows).unwrap_or(i64::MAX);
    vec![
        KeyValue::new("messaging.batch.message_count", rows),
        KeyValue::new("healer.attempt", i64::from(batch.attempt)),
        KeyValue::new("healer.pipeline", Arc::clone(&batch.pipeline)),
        KeyValue::new("healer.emit_id", batch.emit_id.to_string()),
    ]
}
