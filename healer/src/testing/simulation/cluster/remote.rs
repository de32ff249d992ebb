//! Requests, as the engine sends them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Cluster, MemberId, log::Tp, state::State};
use crate::broker::{
    BrokerError, BrokerErrorKind, Commit, CommitError, Committed, Pattern, Remote, TopicPartition, Topics,
    Watermarks,
};

/// The result of a client's look-up of a partition.
pub(crate) enum Learned {
    /// Offset and metadata.
    Committed(Option<(i64, String)>),
    Watermarks(Watermarks),
}

/// Hears the results of a client's look-ups.
pub(crate) type Listener = Arc<dyn Fn(&TopicPartition, Learned) + Send + Sync>;

/// The requests of one client.
pub(super) struct SimRemote {
    cluster: Cluster,
    id: MemberId,
    listener: Option<Listener>,
}

impl SimRemote {
    pub(super) fn new(cluster: Cluster, id: MemberId, listener: Option<Listener>) -> Self {
        Self { cluster, id, listener }
    }

    fn tell(&self, partition: &TopicPartition, learned: Learned) {
        if let Some(listener) = &self.listener {
            listener(partition, learned);
        }
    }

    /// Asks, unless the client is closed, nobody is there, or the request fails.
    fn ask<T>(&self, what: impl FnOnce(&State) -> Result<T, BrokerError>) -> Result<T, BrokerError> {
        let mut state = self.cluster.lock();
        if !state.clients[self.id.0].alive {
            let text = "the client is closed: nothing can be asked of the broker any more".to_owned();
            return Err(super::error(BrokerErrorKind::Fatal, text));
        }
        state.reach()?;
        what(&state)
    }
}

fn missing(partition: impl std::fmt::Display) -> BrokerError {
    super::error(BrokerErrorKind::UnknownTopic, format!("{partition} does not exist; create the topic"))
}

impl State {
    /// Fails where no broker answers.
    pub(super) fn reach(&mut self) -> Result<(), BrokerError> {
        let faulty = self.rng.chance(self.settings.request_faults);
        if self.down || faulty {
            return Err(super::error(BrokerErrorKind::Unreachable, "no broker answered in time".to_owned()));
        }
        Ok(())
    }

    fn log(&self, partition: &TopicPartition) -> Result<&super::Log, BrokerError> {
        let (topic, number) = self.find(partition).ok_or_else(|| missing(partition))?;
        let number = usize::try_from(number).ok();
        number.and_then(|number| self.topics[topic].partitions.get(number)).ok_or_else(|| missing(partition))
    }

    fn parts(&self, topic: usize) -> impl Iterator<Item = Tp> + use<> {
        (0..).take(self.topics[topic].partitions.len()).map(move |number| (topic, number))
    }
}

impl Remote for SimRemote {
    fn commit(&self, offsets: &[Commit]) -> Result<(), CommitError> {
        self.cluster.lock().commit(self.id.0, offsets)
    }

    fn committed(
        &self,
        partitions: &[TopicPartition],
        _: Duration,
    ) -> Result<Vec<Option<Committed>>, BrokerError> {
        self.ask(|state| {
            let group = &state.groups[state.clients[self.id.0].group];
            let committed = |partition| {
                let stored = state.find(partition).and_then(|part| group.committed.get(&part));
                let stored = stored.map(|stored| (stored.offset, stored.metadata.clone()));
                self.tell(partition, Learned::Committed(stored.clone()));
                stored.map(|(offset, metadata)| Committed { offset, metadata: Ok(metadata) })
            };
            Ok(partitions.iter().map(committed).collect())
        })
    }

    fn watermarks(&self, partitions: &[TopicPartition], _: Duration) -> Result<Vec<Watermarks>, BrokerError> {
        self.ask(|state| {
            let marks = |partition| {
                let log = state.log(partition)?;
                let marks = Watermarks { first: log.first, stable: log.stable(), end: log.end() };
                self.tell(partition, Learned::Watermarks(marks));
                Ok(marks)
            };
            partitions.iter().map(marks).collect()
        })
    }

    fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        millis: i64,
        _: Duration,
    ) -> Result<Vec<i64>, BrokerError> {
        self.ask(|state| {
            let offset = |partition| {
                let log = state.log(partition)?;
                let young = |record: &super::Record| record.timestamp.is_some_and(|at| at >= millis);
                let first = log.records().find(|(_, record)| young(record));
                let stable = log.stable();
                Ok(first.map_or(stable, |(offset, _)| offset.min(stable)))
            };
            partitions.iter().map(offset).collect()
        })
    }

    fn cluster_id(&self, _: Duration) -> Option<String> {
        Some(super::CLUSTER.to_owned())
    }

    fn partitions(&self, topics: &[Topics], _: Duration) -> Result<Vec<TopicPartition>, BrokerError> {
        self.ask(|state| {
            let mut found = BTreeSet::new();
            for topics in topics {
                match topics {
                    Topics::Named(names) => {
                        for name in names {
                            let topic =
                                state.topic(name).ok_or_else(|| missing(format!("topic {name:?}")))?;
                            found.extend(state.parts(topic).map(|part| state.name(part)));
                        }
                    }
                    Topics::Pattern(pattern) => {
                        let pattern = Pattern::new(pattern)?;
                        for (index, topic) in state.topics.iter().enumerate() {
                            if !topic.deleted && pattern.is(&topic.name) {
                                found.extend(state.parts(index).map(|part| state.name(part)));
                            }
                        }
                    }
                }
            }
            Ok(found.into_iter().collect())
        })
    }
}
