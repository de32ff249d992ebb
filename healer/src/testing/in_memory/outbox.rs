//! The records of sinks and dead letters.

use std::{
    collections::BTreeMap,
    future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    broker::{BrokerError, Delivery, OutRecord, Producer, SendError},
    testing::Received,
    topology::{Graph, NodeKind},
};

/// Acknowledges all that is sent at once, and throws it away.
pub(super) struct Void;

impl Producer for Void {
    fn send(&self, _: &OutRecord<'_>) -> Result<Delivery, SendError> {
        Ok(Box::pin(future::ready(Ok(()))))
    }

    fn check_topic(&self, _: &str, _: Duration) -> Result<(), BrokerError> {
        Ok(())
    }

    fn flush(&self, _: Duration) {}
}

/// Acknowledges all that is sent at once, and keeps it by topic.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    topics: Mutex<BTreeMap<String, Vec<Received>>>,
    /// Whether a sink chooses topics by record: any name may be one of them.
    any: bool,
}

impl Outbox {
    /// For a pipeline.
    pub(super) fn of(graph: &Graph) -> Self {
        let any = graph.nodes.iter().any(|node| matches!(node.kind, NodeKind::Sink { topic: None, .. }));
        Self { any, ..Self::default() }
    }

    fn topics(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Received>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records that were sent to a topic.
    ///
    /// # Panics
    /// If it can be none that the pipeline writes to.
    pub(super) fn sent(&self, topic: &str) -> Vec<Received> {
        let topics = self.topics();
        let sent = topics.get(topic).cloned().or_else(|| self.any.then(Vec::new));
        let names = topics.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        drop(topics);
        let known = if names.is_empty() {
            "it writes to no topic".to_owned()
        } else {
            format!("it writes to {names}")
        };
        sent.unwrap_or_else(|| {
            panic!("the pipeline that ran last does not write to topic `{topic}`: {known}")
        })
    }
}

impl Producer for Outbox {
    fn send(&self, record: &OutRecord<'_>) -> Result<Delivery, SendError> {
        let mut topics = self.topics();
        let sent = topics.entry(record.topic.to_owned()).or_default();
        sent.push(Received {
            partition: 0,
            offset: i64::try_from(sent.len()).unwrap_or(i64::MAX),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.clone(),
            timestamp: record.timestamp,
        });
        drop(topics);
        Void.send(record)
    }

    /// Asked at the start for each topic that a sink or a policy names.
    fn check_topic(&self, topic: &str, _: Duration) -> Result<(), BrokerError> {
        self.topics().entry(topic.to_owned()).or_default();
        Ok(())
    }

    fn flush(&self, _: Duration) {}
}
