//! Faults, and the records that are produced.

use super::{GROUP, World};
use crate::{
    broker::TopicPartition,
    record::Headers,
    testing::simulation::{cluster::Log, storm::Fault},
};

impl<'a, S: 'a> World<'a, S> {
    pub(super) fn happen(&mut self, fault: &Fault) {
        self.tell(|| fault.in_words(&self.plan.topics));
        match fault {
            Fault::Produce(records) => self.produce(*records),
            // There is no topic to write to.
            Fault::Transaction { at, .. }
                if self.cluster.incarnation(&self.partitions[*at].topic).is_none() => {}
            Fault::Transaction { at, aborted: 0 } => {
                let partition = &self.partitions[*at];
                self.cluster.marker(&partition.topic, partition.partition);
            }
            Fault::Transaction { at, aborted } => {
                let partition = &self.partitions[*at];
                self.cluster.aborted(&partition.topic, partition.partition, *aborted);
            }
            Fault::Open { at, records } => {
                let partition = &self.partitions[*at];
                self.cluster.open(&partition.topic, partition.partition, *records);
            }
            Fault::Close { at } => self.close(*at),
            Fault::Compact { at, every } => {
                let partition = &self.partitions[*at];
                self.cluster.compact(&partition.topic, partition.partition, |offset, _| offset % every == 0);
                self.oracle.thinned(partition);
            }
            Fault::Delete { at, percent } => {
                let partition = self.partitions[*at].clone();
                let before = self.offset_at(&partition, *percent);
                self.cluster.delete_records(&partition.topic, partition.partition, before);
                self.oracle.thinned(&partition);
            }
            Fault::Truncate { at, records } => {
                let partition = self.partitions[*at].clone();
                let before = self.end(&partition);
                self.cluster.truncate(&partition.topic, partition.partition, (before - records).max(0));
                let end = self.end(&partition);
                let committed = self.cluster.committed(GROUP, &partition.topic, partition.partition);
                let committed = committed.map_or(end, |(offset, _)| offset.max(end));
                // A process that starts at the commit does not read the records that are written anew below it.
                let unseen = self.unseen.entry(partition.clone()).or_insert(end..committed);
                *unseen = unseen.start.min(end)..unseen.end.max(committed);
                self.oracle.replaced(&partition);
            }
            Fault::Elect { at } => {
                let partition = &self.partitions[*at];
                self.cluster.elect(&partition.topic, partition.partition);
            }
            Fault::Recreate { topic } => {
                let (name, count) = &self.plan.topics[*topic];
                self.cluster.recreate_topic(name, *count);
                self.is_another(name);
            }
            Fault::DeleteTopic { topic } => {
                let (name, _) = &self.plan.topics[*topic];
                self.cluster.delete_topic(name);
                self.is_another(name);
            }
            Fault::CreateTopic { topic } => self.create_again(*topic),
            Fault::Reset { at, percent } => {
                let partition = self.partitions[*at].clone();
                let offset = self.offset_at(&partition, *percent);
                let text = ["", "AAEC", "\u{1F980}", "h1:garbage"][self.rng.below(4)];
                self.was_reset.insert(partition.clone());
                self.cluster.reset(GROUP, &partition.topic, partition.partition, offset, text);
                self.oracle.disturbed(&partition);
            }
            Fault::Rebalance => self.cluster.rebalance(GROUP),
            Fault::Lose { seat } => {
                if let Some(process) = &self.seats[*seat].process {
                    self.cluster.lose(process.member);
                }
            }
            Fault::Commit { seat, fault } => {
                if let Some(process) = &self.seats[*seat].process {
                    self.cluster.fault(process.member, *fault);
                }
            }
            Fault::Down => self.cluster.down(true),
            Fault::Up => self.cluster.down(false),
            Fault::Kill { seat, disk } => self.kill(*seat, *disk),
            Fault::Stop { seat } => {
                if let Some(process) = &self.seats[*seat].process {
                    process.handle.stop();
                }
            }
            Fault::Freeze { seat } => {
                if let Some(process) = &self.seats[*seat].process {
                    self.cluster.freeze(process.member);
                    self.seats[*seat].frozen = true;
                }
            }
            Fault::Thaw { seat } => self.thaw(*seat),
            Fault::DiskFull { seat, writes } => self.seats[*seat].disk.fail((*writes).max(1), *writes > 0),
            Fault::FailSends { records, written } => {
                self.cluster.fail_sends(*records, *written);
            }
            Fault::Stall(time) => self.pass(*time),
        }
    }

    /// A transaction that is open ends.
    pub(super) fn close(&self, at: usize) {
        let partition = &self.partitions[at];
        self.cluster.close(&partition.topic, partition.partition);
    }

    /// All that is known of a topic is about one that is no more.
    fn is_another(&mut self, topic: &str) {
        for partition in self.partitions.iter().filter(|partition| *partition.topic == *topic) {
            self.oracle.replaced(partition);
            // Commits by name that were on their way count for the new one.
            self.unseen.insert(partition.clone(), 0..0);
        }
    }

    /// A topic that was deleted is there again.
    pub(super) fn create_again(&mut self, topic: usize) {
        let (name, count) = &self.plan.topics[topic];
        if self.cluster.incarnation(name).is_none() {
            self.cluster.create_topic(name, *count);
            self.is_another(name);
        }
    }

    pub(super) fn end(&self, partition: &TopicPartition) -> i64 {
        self.cluster.log(&partition.topic, partition.partition, Log::end).unwrap_or(0)
    }

    fn offset_at(&self, partition: &TopicPartition, percent: i64) -> i64 {
        let (first, end) = self
            .cluster
            .log(&partition.topic, partition.partition, |log| (log.first, log.end()))
            .unwrap_or_default();
        first + (end - first) * percent / 100
    }

    /// Produces the next of the user's records, each with a time of its own.
    pub(super) fn produce(&mut self, records: usize) {
        for _ in 0..records {
            let Some((topic, record)) = self.plan.records.get(self.next_record) else { return };
            if self.cluster.incarnation(topic).is_none() {
                return; // its producers wait as well
            }
            let count =
                self.plan.topics.iter().find(|(name, _)| name == topic).map_or(1, |(_, count)| *count);
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let partition = record.partition.unwrap_or_else(|| match &record.key {
                Some(key) => crate::testing::partitioner::partition_of(key, count),
                None => i32::try_from(self.next_record).unwrap_or(0) % count,
            });
            let time = i64::try_from(self.next_record).unwrap_or(0) + 1_700_000_000_000;
            self.next_record += 1;
            let headers: Headers = record.headers.clone();
            self.cluster.produce_with(
                topic,
                partition,
                record.key.as_deref(),
                record.value.as_deref(),
                headers,
                Some(record.timestamp.unwrap_or(time)),
            );
        }
    }
}
