//! Topics, as a driver makes and breaks them and an oracle reads them.

use std::sync::Arc;

use super::{
    Cluster, Entry, Log, Protocol, Record,
    client::Client,
    log::{Topic, Tp},
    state::State,
};
use crate::{broker::TopicPartition, record::Headers};

impl Cluster {
    /// Creates a topic that does not exist now. It may have existed: this is another one of that name.
    pub(crate) fn create_topic(&self, name: &str, partitions: usize) {
        let mut state = self.lock();
        debug_assert!(state.topic(name).is_none(), "{name} exists");
        state.create_topic(name, partitions);
        state.partitions_changed(name);
    }

    /// Deletes a topic with its records and all that was committed for it.
    pub(crate) fn delete_topic(&self, name: &str) {
        let mut state = self.lock();
        state.delete_topic(name);
        state.partitions_changed(name);
    }

    /// Deletes a topic and creates it anew before any classic client notices.
    pub(crate) fn recreate_topic(&self, name: &str, partitions: usize) {
        let mut state = self.lock();
        let before = state.topic(name).map_or(0, |topic| state.topics[topic].partitions.len());
        state.delete_topic(name);
        state.create_topic(name, partitions);
        state.recreated(name, before != partitions);
    }

    #[cfg(test)]
    pub(crate) fn add_partitions(&self, name: &str, more: usize) {
        let mut state = self.lock();
        if let Some(topic) = state.topic(name) {
            let logs = &mut state.topics[topic].partitions;
            logs.resize_with(logs.len() + more, Log::default);
            state.partitions_changed(name);
        }
    }

    /// Appends a record and tells its offset.
    #[cfg(test)]
    pub(crate) fn produce(
        &self,
        topic: &str,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: i64,
    ) -> i64 {
        self.produce_with(topic, partition, key, value, Headers::new(), Some(timestamp))
    }

    /// As [`produce`](Self::produce), with headers, or without a time.
    pub(crate) fn produce_with(
        &self,
        topic: &str,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Headers,
        timestamp: Option<i64>,
    ) -> i64 {
        let mut state = self.lock();
        state.serial += 1;
        let record = Record {
            serial: state.serial,
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            headers,
            timestamp,
        };
        state.append_to(topic, partition, Entry::Record(Arc::new(record)))
    }

    /// Appends the marker that ends a transaction.
    pub(crate) fn marker(&self, topic: &str, partition: i32) {
        self.lock().append_to(topic, partition, Entry::Marker);
    }

    /// Appends so many records of a transaction that was aborted, with its marker.
    pub(crate) fn aborted(&self, topic: &str, partition: i32, records: usize) {
        let mut state = self.lock();
        for _ in 0..records {
            state.append_to(topic, partition, Entry::Aborted);
        }
        state.append_to(topic, partition, Entry::Marker);
    }

    /// Begins a transaction with so many records that it will abort; readers wait in front of it until it is [ended](Self::close).
    pub(crate) fn open(&self, topic: &str, partition: i32, records: usize) {
        self.lock().change_log(topic, partition, |log| {
            log.open = log.open.or(Some(log.end()));
            log.entries.extend(std::iter::repeat_n(Entry::Aborted, records));
        });
    }

    /// The open transaction ends, with its marker.
    pub(crate) fn close(&self, topic: &str, partition: i32) {
        self.lock().change_log(topic, partition, |log| {
            if log.open.take().is_some() {
                log.entries.push(Entry::Marker);
            }
        });
    }

    /// Takes the records away that are chosen, except at the very end; their offsets stay as gaps.
    pub(crate) fn compact(&self, topic: &str, partition: i32, goes: impl FnMut(i64, &Record) -> bool) {
        self.lock().change_log(topic, partition, |log| log.compact(goes));
    }

    /// Deletes all records below an offset.
    pub(crate) fn delete_records(&self, topic: &str, partition: i32, before: i64) {
        self.lock().change_log(topic, partition, |log| log.first = before.clamp(log.first, log.end()));
    }

    /// Moves the end back, as an unclean leader election does; records that are written next take the offsets anew.
    pub(crate) fn truncate(&self, topic: &str, partition: i32, end: i64) {
        self.lock().truncate(topic, partition, end);
    }

    /// Another broker becomes a partition's leader and loses nothing, as when brokers are restarted one by one.
    pub(crate) fn elect(&self, topic: &str, partition: i32) {
        self.lock().change_log(topic, partition, Log::elect);
    }

    /// Reads a partition.
    pub(crate) fn log<T>(&self, topic: &str, partition: i32, read: impl FnOnce(&Log) -> T) -> Option<T> {
        let mut state = self.lock();
        let mut result = None;
        state.change_log(topic, partition, |log| result = Some(read(log)));
        result
    }

    /// A number that is another one once the topic was made anew; none while there is no such topic.
    pub(crate) fn incarnation(&self, topic: &str) -> Option<usize> {
        self.lock().topic(topic)
    }

    /// The name and number behind an entry of the history.
    pub(crate) fn name(&self, partition: Tp) -> TopicPartition {
        self.lock().name(partition)
    }
}

impl State {
    fn create_topic(&mut self, name: &str, partitions: usize) {
        let mut logs = Vec::new();
        logs.resize_with(partitions, Log::default);
        self.topics.push(Topic { name: name.into(), partitions: logs, deleted: false });
    }

    fn delete_topic(&mut self, name: &str) {
        if let Some(topic) = self.topic(name) {
            self.topics[topic].deleted = true;
            self.groups.iter_mut().for_each(|group| group.committed.retain(|part, _| part.0 != topic));
        }
    }

    /// Groups that want a topic share anew.
    fn partitions_changed(&mut self, name: &str) {
        self.recreated(name, true);
    }

    /// A classic group knows topics by their names and takes the new one for the old one.
    fn recreated(&mut self, name: &str, changed: bool) {
        let Self { topics, groups, clients, .. } = self;
        let old: Vec<usize> =
            (0..topics.len()).filter(|at| *topics[*at].name == *name && topics[*at].deleted).collect();
        let new = topics.iter().rposition(|topic| !topic.deleted && *topic.name == *name);
        let of_group =
            |group: usize, clients: &[Client]| clients.iter().any(|c| c.group == group && c.wants(name));
        let touched: Vec<usize> = (0..groups.len()).filter(|group| of_group(*group, clients)).collect();
        if let Some(new) = new {
            let renew = |part: &mut Tp| {
                if old.contains(&part.0) {
                    part.0 = new;
                }
            };
            for client in clients.iter_mut().filter(|client| client.protocol != Protocol::Consumer) {
                client.owned.iter_mut().for_each(renew);
                client.added.iter_mut().flatten().for_each(renew);
                client.owed.iter_mut().flat_map(|owed| &mut owed.parts).for_each(renew);
                client.fetches.iter_mut().for_each(|fetch| renew(&mut fetch.part));
            }
            for group in groups.iter_mut().filter(|group| group.protocol != Protocol::Consumer) {
                for seat in &mut group.seats {
                    seat.holds.iter_mut().chain(&mut seat.assigned).for_each(renew);
                }
                let target = std::mem::take(&mut group.target);
                group.target = target
                    .into_iter()
                    .map(|(mut part, owner)| {
                        renew(&mut part);
                        (part, owner)
                    })
                    .collect();
            }
        }
        for group in touched {
            if changed || self.groups[group].protocol == Protocol::Consumer {
                self.unsettle(group);
            }
        }
    }

    fn append_to(&mut self, topic: &str, partition: i32, entry: Entry) -> i64 {
        let topic = self.topic(topic).unwrap_or_else(|| panic!("topic {topic} does not exist"));
        self.append((topic, partition), entry)
    }

    pub(super) fn append(&mut self, (topic, partition): Tp, entry: Entry) -> i64 {
        let log = usize::try_from(partition).ok().and_then(|at| self.topics[topic].partitions.get_mut(at));
        let log = log.unwrap_or_else(|| panic!("partition {partition} does not exist"));
        log.entries.push(entry);
        log.end() - 1
    }

    fn change_log(&mut self, topic: &str, partition: i32, change: impl FnOnce(&mut Log)) {
        if let Some(topic) = self.topic(topic)
            && let Some(log) =
                usize::try_from(partition).ok().and_then(|at| self.topics[topic].partitions.get_mut(at))
        {
            change(log);
        }
    }

    fn truncate(&mut self, topic: &str, partition: i32, end: i64) {
        self.change_log(topic, partition, |log| log.truncate(end));
        let Some(topic) = self.topic(topic).filter(|_| self.settings.sees_truncation) else { return };
        for fetch in self.clients.iter_mut().flat_map(|client| &mut client.fetches) {
            fetch.truncated |= fetch.part == (topic, partition) && fetch.has_read_past(end);
        }
    }
}
