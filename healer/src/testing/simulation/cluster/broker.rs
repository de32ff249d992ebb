//! A member's client, as the engine sees it.

use std::{sync::Arc, time::Duration};

use super::{
    Cluster, MemberId,
    client::{Fetch, Fetched, Kind, Phase, Wanted},
    log::Record,
    remote::{Listener, SimRemote},
    state::State,
};
use crate::broker::{
    Assignment, Broker, BrokerError, BrokerErrorKind, Event, Pattern, RecordRef, Remote, Source,
    TopicPartition, Topics,
};

/// A consumer of the simulated cluster. Every call returns at once.
pub(crate) struct SimBroker {
    cluster: Cluster,
    id: MemberId,
    listener: Option<Listener>,
}

/// Its fetching end.
pub(crate) struct SimSource {
    cluster: Cluster,
    id: MemberId,
}

/// A record on its way to the application.
struct Lent {
    slot: u32,
    offset: i64,
    leader_epoch: i32,
    record: Arc<Record>,
}

impl SimBroker {
    pub(super) fn new(cluster: Cluster, id: MemberId) -> Self {
        Self { cluster, id, listener: None }
    }

    /// Has somebody hear of each partition that is looked up.
    pub(crate) fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    pub(crate) fn id(&self) -> MemberId {
        self.id
    }

    /// Runs on this client's fetches of the partitions.
    fn each_fetch(&mut self, partitions: &[TopicPartition], mut change: impl FnMut(&mut Fetch)) {
        let mut state = self.cluster.lock();
        for partition in partitions {
            if let Some(at) = state.fetch(self.id, partition) {
                change(&mut state.clients[self.id.0].fetches[at]);
            }
        }
    }
}

impl State {
    /// Where a client's fetch of a partition is. The name may stand for a topic that is gone.
    fn fetch(&self, id: MemberId, wanted: &TopicPartition) -> Option<usize> {
        let matches = |fetch: &Fetch| {
            fetch.part.1 == wanted.partition && self.topics[fetch.part.0].name == wanted.topic
        };
        self.clients[id.0].fetches.iter().position(matches)
    }

    fn usable(&self, id: MemberId) -> Result<(), BrokerError> {
        let text = match &self.clients[id.0] {
            client if !client.alive => "the client is closed".to_owned(),
            client => match &client.fatal {
                Some(text) => text.clone(),
                None => return Ok(()),
            },
        };
        Err(super::error(BrokerErrorKind::Fatal, text))
    }

    /// Tells the application of a rebalance, and takes up to `max` records.
    fn poll(&mut self, id: MemberId, max: usize, into: &mut Vec<Lent>) {
        let Self { clients, topics, rng, settings, down, .. } = self;
        let client = &mut clients[id.0];
        if !client.is_running() {
            return;
        }
        client.polled = self.now;
        if std::mem::take(&mut client.overdue)
            && client.owed.is_none()
            && client.phase == Phase::Unjoined
            && client.next.is_none()
        {
            client.next = Some(self.now);
        }
        if let Some(owed) = &mut client.owed {
            if !std::mem::replace(&mut owed.told, true) {
                let parts = owed.parts.iter();
                let parts = parts.map(|(topic, partition)| TopicPartition {
                    topic: Arc::clone(&topics[*topic].name),
                    partition: *partition,
                });
                let parts = parts.collect();
                client.events.push(match owed.kind {
                    Kind::Assign => Event::Assigned(parts),
                    Kind::Revoke => Event::Revoked(parts),
                    Kind::Lose => Event::Lost(parts),
                });
            }
            return;
        }
        let max = if rng.chance(settings.short_polls) { rng.below(max + 1) } else { max };
        let fetches = client.fetches.len();
        let start = rng.below(fetches);
        for at in 0..fetches {
            let fetch = &mut client.fetches[(start + at) % fetches];
            let (topic, number) = fetch.part;
            if fetch.paused || fetch.broken {
                continue;
            }
            while into.len() < max {
                let log =
                    usize::try_from(number).ok().and_then(|number| topics[topic].partitions.get(number));
                let log = log.filter(|_| !*down && !topics[topic].deleted);
                if let Some(log) = log
                    && !fetch.fill(log, settings.prefetch.max(1))
                {
                    let text = "an offset that was asked for does not exist: offset out of range".to_owned();
                    client.events.push(Event::OutOfRange(text));
                    // The records behind must not be lent as if nothing were missing before them.
                    return;
                }
                let Some(next) = fetch.take() else { break };
                let Fetched { offset, leader_epoch, record } = next;
                into.extend(record.map(|record| Lent { slot: fetch.slot, offset, leader_epoch, record }));
            }
        }
    }

    fn assign(&mut self, id: MemberId, partitions: &[Assignment]) -> Result<(), BrokerError> {
        self.usable(id)?;
        for to in partitions {
            // A topic that is gone by now is fetched in vain.
            let part = self.clients[id.0].owed.as_ref().and_then(|owed| {
                let named = |part: &&(usize, i32)| self.name(**part) == to.partition;
                owed.parts.iter().find(named).copied()
            });
            let Some(part) = part.or_else(|| self.find(&to.partition)) else { continue };
            let client = &mut self.clients[id.0];
            client.fetches.retain(|fetch| fetch.part != part);
            client.fetches.push(Fetch::new(part, to));
        }
        if self.clients[id.0].owed.as_ref().is_some_and(|owed| owed.kind == Kind::Assign) {
            self.answered(id.0);
        }
        Ok(())
    }

    fn unassign(&mut self, id: MemberId, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.usable(id)?;
        let eager = self.clients[id.0].protocol == super::Protocol::Eager;
        let Self { clients, topics, .. } = self;
        let client = &mut clients[id.0];
        client.fetches.retain(|fetch| {
            let (topic, number) = fetch.part;
            let given = |p: &TopicPartition| p.partition == number && p.topic == topics[topic].name;
            !eager && !partitions.iter().any(given)
        });
        if client.owed.as_ref().is_some_and(|owed| owed.kind != Kind::Assign) {
            self.answered(id.0);
        }
        Ok(())
    }
}

impl Broker for SimBroker {
    type Source = SimSource;

    fn source(&self) -> Arc<SimSource> {
        Arc::new(SimSource { cluster: self.cluster.clone(), id: self.id })
    }

    fn subscribe(&mut self, topics: &[Topics]) -> Result<(), BrokerError> {
        let mut wanted = Vec::new();
        for topics in topics {
            match topics {
                Topics::Named(names) => wanted.extend(names.iter().cloned().map(Wanted::Name)),
                Topics::Pattern(pattern) => wanted.push(Wanted::Pattern(Pattern::new(pattern)?)),
            }
        }
        let mut state = self.cluster.lock();
        state.usable(self.id)?;
        let now = state.now;
        let client = &mut state.clients[self.id.0];
        client.wanted = wanted;
        client.polled = now;
        client.heard = now;
        state.contact_soon(self.id.0);
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        let events = std::mem::take(&mut self.cluster.lock().clients[self.id.0].events);
        for event in &events {
            // As the real client: an event that changes nothing needs no answer of the engine.
            let answer = match event {
                Event::Assigned(list) if list.is_empty() => self.assign(&[]),
                Event::Revoked(list) | Event::Lost(list) if list.is_empty() => self.unassign(&[]),
                _ => Ok(()),
            };
            debug_assert!(answer.is_ok() || !self.cluster.is_usable(self.id));
        }
        events
    }

    fn assign(&mut self, partitions: &[Assignment]) -> Result<(), BrokerError> {
        self.cluster.lock().assign(self.id, partitions)
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.cluster.lock().unassign(self.id, partitions)
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.each_fetch(partitions, |fetch| {
            fetch.paused = true;
            fetch.forget();
        });
        Ok(())
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError> {
        self.each_fetch(partitions, |fetch| fetch.paused = false);
        Ok(())
    }

    fn seek(&mut self, to: &Assignment) -> Result<(), BrokerError> {
        self.cluster.lock().usable(self.id)?;
        let mut found = false;
        self.each_fetch(std::slice::from_ref(&to.partition), |fetch| {
            *fetch = Fetch::new(fetch.part, to);
            found = true;
        });
        if found {
            return Ok(());
        }
        let text = format!("seeking {}: it is not assigned", to.partition);
        Err(super::error(BrokerErrorKind::Transient, text))
    }

    fn positions(&mut self) -> Vec<(u32, i64)> {
        let state = self.cluster.lock();
        let fetches = state.clients[self.id.0].fetches.iter();
        fetches.filter_map(|fetch| Some((fetch.slot, fetch.position?))).collect()
    }

    fn remote(&self) -> Arc<dyn Remote> {
        Arc::new(SimRemote::new(self.cluster.clone(), self.id, self.listener.clone()))
    }

    fn close(self, _: Duration) {
        drop(self);
    }
}

impl Drop for SimBroker {
    fn drop(&mut self) {
        let mut state = self.cluster.lock();
        if state.clients[self.id.0].alive {
            state.leave(self.id.0);
            state.bury(self.id.0);
        }
    }
}

impl Source for SimSource {
    fn poll(&self, max: usize, _: Duration, each: &mut dyn FnMut(&[RecordRef<'_>])) {
        let mut chunk = Vec::new();
        self.cluster.lock().poll(self.id, max, &mut chunk);
        if chunk.is_empty() {
            return;
        }
        let records: Vec<RecordRef<'_>> = chunk
            .iter()
            .map(|Lent { slot, offset, leader_epoch, record }| RecordRef {
                slot: *slot,
                offset: *offset,
                leader_epoch: Some(*leader_epoch),
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &**record,
            })
            .collect();
        each(&records);
    }
}
