//! Records that wait long for their acknowledgement: told in the log and in the health, never given up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use serde::Serialize;

use crate::{broker::Producer, context::Context, observe, record::emit_id};

/// How often a node whose records still wait is told of again.
const AGAIN: Duration = Duration::from_mins(1);

/// The record of a pipeline that has waited longest for its acknowledgement: at a sink, or as a dead letter.
///
/// It is there once a record has waited for ten seconds, or for the property `message.timeout.ms` where that is less. However
/// long it takes, the pipeline goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SendHealth {
    /// The path of the sink, or of the node where the record failed.
    pub stage: String,
    /// The record's topic.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// How long it has waited, to a second.
    #[serde(serialize_with = "crate::json::seconds")]
    pub lasting: Duration,
    /// Why, as far as the client knows: no broker is connected, or one throttles.
    pub reason: String,
}

/// Where a record came from, in numbers: each record that is sent is noted, and few are ever told of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    topic: u32,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
}

impl Place {
    pub(super) fn of(context: &Context) -> Self {
        Self {
            topic: context.topic_number(),
            partition: context.partition(),
            offset: context.offset(),
            timestamp: context.timestamp_millis(),
        }
    }

    fn topic(self) -> Arc<str> {
        observe::topic_name(self.topic).unwrap_or_default()
    }
}

/// The records that wait too long for their acknowledgement.
pub(crate) struct Sends {
    /// From when on that is told.
    pub(super) after: Duration,
    /// Tells why; gone when the pipeline has ended.
    producer: Option<Weak<dyn Producer>>,
    late: Mutex<Late>,
}

#[derive(Default)]
struct Late {
    /// By the path of the node and by record: since when.
    records: HashMap<(Arc<str>, Place), Duration>,
    /// When a node was told of last.
    told: HashMap<Arc<str>, Duration>,
}

impl Sends {
    pub(crate) fn new(after: Duration, producer: Option<&Arc<dyn Producer>>) -> Self {
        Self { after, producer: producer.map(Arc::downgrade), late: Mutex::default() }
    }

    fn late(&self) -> MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reason(&self) -> String {
        let producer = self.producer.as_ref().and_then(Weak::upgrade);
        let reason = producer.and_then(|producer| producer.trouble());
        reason.unwrap_or_else(|| "the broker has not acknowledged it yet".to_owned())
    }

    /// The record that has waited longest, if one has waited too long.
    pub(crate) fn health(&self, now: Duration) -> Option<SendHealth> {
        let late = self.late();
        let ((stage, place), since) = late.records.iter().min_by_key(|(_, since)| **since)?;
        let mut health = SendHealth {
            stage: stage.to_string(),
            topic: place.topic().to_string(),
            partition: place.partition,
            offset: place.offset,
            lasting: now.saturating_sub(*since),
            reason: String::new(),
        };
        drop(late);
        health.reason = self.reason();
        Some(health)
    }

    pub(super) fn begin(&self, stage: &Arc<str>, place: Place, (since, now): (Duration, Duration)) {
        let mut late = self.late();
        late.records.insert((Arc::clone(stage), place), since);
        if late.told.get(stage).is_some_and(|told| now.saturating_sub(*told) < AGAIN) {
            return;
        }
        late.told.insert(Arc::clone(stage), now);
        drop(late);
        let topic = place.topic();
        tracing::warn!(
            stage = &**stage,
            emit_id = %emit_id(&topic, place.partition, place.offset, place.timestamp),
            topic = &*topic,
            partition = place.partition,
            offset = place.offset,
            waiting = ?now.saturating_sub(since),
            reason = self.reason(),
            "a record waits for the broker's acknowledgement; it is neither given up nor passed, and its partition is \
             held until the broker takes it"
        );
    }

    pub(super) fn end(&self, stage: &Arc<str>, place: Place, now: Duration) {
        let mut late = self.late();
        let since = late.records.remove(&(Arc::clone(stage), place));
        let over = !late.records.keys().any(|(other, _)| other == stage);
        if over && late.told.remove(stage).is_some() {
            drop(late);
            let waited = since.map(|since| now.saturating_sub(since));
            tracing::info!(stage = &**stage, ?waited, "no record waits for its acknowledgement any more");
        }
    }
}
