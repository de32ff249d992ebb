//! One member of one consumer group.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering, mpsc},
    time::Duration,
};

use rdkafka::{
    Offset,
    consumer::{Consumer as _, RebalanceProtocol},
    error::KafkaError,
};

use super::{
    client_errors::{ClientErrors, lock},
    closing,
    context::{Consumer, Context},
    errors, lists, properties,
    remote::Link,
    source::KafkaSource,
    watch,
};
use crate::broker::{
    Assignment, Broker, BrokerError, BrokerErrorKind, Event, Pattern, Remote, TopicPartition, Topics,
};

/// How long a client may take to seek; it asks nobody for that.
const SEEK: Duration = Duration::from_secs(1);

/// A consumer of a real Kafka.
pub(crate) struct KafkaBroker {
    pub(super) consumer: Arc<Consumer>,
    link: Arc<Link>,
    source: Arc<KafkaSource>,
    closed: bool,
}

impl KafkaBroker {
    /// Makes the client. It does not wait for a broker: ask [`Remote::partitions`] for something to learn whether one
    /// is there and lets us in.
    ///
    /// Properties that belong to producers are left out, those that the engine relies on are set here.
    pub(crate) fn connect(properties: &BTreeMap<String, String>) -> Result<Self, BrokerError> {
        let group = properties.get("group.id").map(String::as_str).unwrap_or_default();
        if group.is_empty() {
            let text = "`group.id` is missing: name the consumer group that the offsets belong to".into();
            return Err(BrokerError { kind: BrokerErrorKind::Configuration, text });
        }
        let client_errors = ClientErrors::new(properties::brokers(properties)?, Some(group));
        let consumer: Consumer =
            properties::create(&properties::consumer(properties), Context::new(client_errors))?;
        let consumer = Arc::new(consumer);
        let link = Arc::new(Link::new(Arc::clone(&consumer)));
        let source = Arc::new(KafkaSource::new(Arc::clone(&consumer)));
        Ok(Self { consumer, link, source, closed: false })
    }

    fn failed(&self, what: &str, error: &KafkaError) -> BrokerError {
        errors::failed(what, error, &self.consumer.context().client_errors)
    }

    fn start_closing(&mut self) -> Option<mpsc::Receiver<()>> {
        if self.closed {
            return None;
        }
        self.closed = true;
        self.link.cut();
        let strays = self.source.strays.load(Ordering::Relaxed);
        if strays > 0 {
            tracing::debug!(
                records = strays,
                "records of partitions that were not assigned came and were dropped"
            );
        }
        Some(closing::start(Arc::clone(&self.consumer)))
    }

    fn is_eager(&self) -> bool {
        matches!(self.consumer.rebalance_protocol(), RebalanceProtocol::Eager)
    }
}

impl Broker for KafkaBroker {
    type Source = KafkaSource;

    fn source(&self) -> Arc<KafkaSource> {
        Arc::clone(&self.source)
    }

    fn subscribe(&mut self, topics: &[Topics]) -> Result<(), BrokerError> {
        let mut names: Vec<String> = Vec::new();
        for topics in topics {
            match topics {
                Topics::Named(list) => names.extend(list.iter().map(|name| (**name).to_owned())),
                Topics::Pattern(pattern) => names.push(Pattern::new(pattern)?.as_str().to_owned()),
            }
        }
        names.iter().try_for_each(|name| lists::check_name(name))?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.link.subscribed(topics);
        self.consumer
            .subscribe(&names)
            .map_err(|error| self.failed(&format!("subscribing to {}", names.join(", ")), &error))
    }

    fn events(&mut self) -> Vec<Event> {
        if self.consumer.context().client_errors.is_out() {
            watch::start(&self.link);
        }
        let mut events = self.consumer.context().take_events();
        // A rebalance that changes nothing wants an answer as well, or the group waits for ever. It is given here, so
        // that forgetting it is harmless; a second answer is, too.
        let mut errors = Vec::new();
        for event in &events {
            let answer = match event {
                Event::Assigned(list) if list.is_empty() => self.assign(&[]),
                Event::Revoked(list) | Event::Lost(list) if list.is_empty() => self.unassign(&[]),
                _ => Ok(()),
            };
            errors.extend(answer.err().map(Event::Error));
        }
        events.extend(errors);
        events
    }

    fn assign(&mut self, partitions: &[Assignment]) -> Result<(), BrokerError> {
        let list = lists::list(partitions.iter().map(|a| (&a.partition, Some(a.offset))))?;
        // librdkafka keeps a partition paused when it goes and comes back; the engine starts anew.
        let plain = lists::list(partitions.iter().map(|a| (&a.partition, None)))?;
        self.consumer.resume(&plain).map_err(|error| self.failed("resuming partitions", &error))?;
        lock(&self.source.slots).add(partitions);
        let assigned = if self.is_eager() {
            self.consumer.assign(&list)
        } else {
            self.consumer.incremental_assign(&list)
        };
        assigned.map_err(|error| self.failed("taking partitions", &error))?;
        self.consumer.context().take_owed();
        Ok(())
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        let list = lists::plain(partitions)?;
        lock(&self.source.slots).remove(partitions);
        // The eager protocol revokes all at once.
        let unassigned = if self.is_eager() {
            self.consumer.unassign()
        } else {
            self.consumer.incremental_unassign(&list)
        };
        unassigned.map_err(|error| self.failed("giving partitions back", &error))?;
        self.consumer.context().take_owed();
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        let list = lists::plain(partitions)?;
        self.consumer.pause(&list).map_err(|error| self.failed("pausing partitions", &error))
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        let list = lists::plain(partitions)?;
        self.consumer.resume(&list).map_err(|error| self.failed("resuming partitions", &error))
    }

    fn seek(&mut self, to: &Assignment) -> Result<(), BrokerError> {
        let list = lists::list([(&to.partition, Some(to.offset))])?;
        // Given back and taken anew: this also wakes a partition whose offset was out of range, and no record that was
        // fetched before comes any more. It concerns this client alone; the group hears nothing of it. While the group
        // waits for an answer it would be taken for that.
        let plain = lists::plain(std::slice::from_ref(&to.partition))?;
        let moved = if self.is_eager() || self.consumer.context().is_owed() {
            self.consumer.seek_partitions(list, SEEK).and_then(|_| self.consumer.resume(&plain))
        } else {
            lock(&self.source.slots).add(std::slice::from_ref(to));
            self.consumer
                .incremental_unassign(&plain)
                .and_then(|()| self.consumer.resume(&plain))
                .and_then(|()| self.consumer.incremental_assign(&list))
        };
        moved.map_err(|error| self.failed(&format!("seeking {} to {}", to.partition, to.offset), &error))
    }

    fn positions(&mut self) -> Vec<(u32, i64)> {
        let Ok(list) = self.consumer.position() else {
            return Vec::new();
        };
        let slots = lock(&self.source.slots);
        list.elements()
            .iter()
            .filter_map(|entry| match entry.offset() {
                Offset::Offset(offset) => Some((slots.by_name(entry.topic(), entry.partition())?, offset)),
                _ => None,
            })
            .collect()
    }

    fn remote(&self) -> Arc<dyn Remote> {
        Arc::clone(&self.link) as Arc<dyn Remote>
    }

    fn close(mut self, budget: Duration) {
        let closing = self.start_closing();
        drop(self); // or the closing thread would wait for it
        if let Some(closing) = closing
            && let Err(mpsc::RecvTimeoutError::Timeout) = closing.recv_timeout(budget)
        {
            tracing::warn!(?budget, "the group was not left in time; the broker will notice by itself");
        }
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        self.start_closing();
    }
}
