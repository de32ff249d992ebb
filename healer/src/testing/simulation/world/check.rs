//! The promises, checked on the commits that the broker took.

use std::sync::Arc;

use super::{World, words};
use crate::{
    broker::{RecordRef, TopicPartition},
    engine::PartitionStatus,
    envelope::fingerprint,
    testing::simulation::{
        NoHeaders, Passed,
        cluster::{Accepted, Log, Record},
        oracle::RecordId,
    },
};

/// Every so many steps each process must name the records that hold its partitions.
const LOOK: u64 = 8;

/// A partition as the model follows it.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Checked {
    incarnation: usize,
    truncations: u32,
    /// Up to there all is done.
    pub(super) offset: i64,
}

impl<'a, S: 'a> World<'a, S> {
    /// Checks the promises on the commits that the broker took since the last look, and on the status of the processes.
    pub(super) fn check(&mut self) {
        self.tell_shares();
        if self.step.is_multiple_of(LOOK) {
            self.check_names();
        }
        for accepted in self.cluster.history(self.history) {
            self.history += 1;
            let name = self.cluster.name(accepted.partition);
            self.tell(|| {
                format!(
                    "  commit {name} {} by member {:?} {:?}",
                    accepted.offset, accepted.member, accepted.metadata
                )
            });
            let partition = name;
            let Some(member) = accepted.member else {
                // An admin's commit: the records that it skips are nobody's loss.
                self.checked.remove(&partition);
                let unseen = self.unseen.entry(partition.clone()).or_insert(0..accepted.offset);
                *unseen = 0..unseen.end.max(accepted.offset);
                continue;
            };
            if let Some(number) = self.numbers.get(&member).copied() {
                self.check_commit(number, &partition, &accepted);
            }
        }
    }

    /// A partition with pending records names the record that holds its frontier.
    fn check_names(&self) {
        for process in self.seats.iter().filter_map(|seat| seat.process.as_ref()) {
            for PartitionStatus { topic, partition, frontier, pending, blocked, .. } in
                process.handle.partitions()
            {
                if pending > 0 && blocked.as_ref().is_none_or(|blocked| blocked.offset != frontier) {
                    let words = format!(
                        "process {} has {pending} records of {topic}[{partition}] in flight, its frontier is {frontier}, \
                         and it says of what blocks it: {blocked:?}",
                        process.number
                    );
                    self.oracle.breaks("no stall without a name", words);
                }
            }
        }
    }

    fn check_commit(&mut self, number: usize, partition: &TopicPartition, accepted: &Accepted) {
        let offset = accepted.offset;
        if !accepted.owned {
            let words = format!("process {number} committed {offset} for {partition}, which it does not own");
            return self.oracle.breaks("no zombie commits", words);
        }
        if !self.oracle.knows(number, partition, accepted.at) {
            self.checked.remove(partition);
            // Commits go by name: one for the log before counts for this one, and a reader of this one hears nothing of it.
            self.was_reset.insert(partition.clone());
            if let Some(unseen) = self.unseen.get_mut(partition) {
                unseen.end = unseen.end.max(offset);
            }
            return;
        }
        let log = |log: &Log| (log.first, log.end(), log.truncations);
        let Some((first, end, truncations)) = self.cluster.log(&partition.topic, partition.partition, log)
        else {
            return;
        };
        let incarnation = accepted.partition.0;
        if self.cluster.incarnation(&partition.topic) != Some(incarnation)
            || truncations != accepted.truncations
        {
            return;
        }
        let old = self
            .checked
            .get(partition)
            .filter(|c| (c.incarnation, c.truncations) == (incarnation, truncations));
        let from = old.map_or(first, |checked| checked.offset.max(first));
        if let Some(old) = old
            && offset < old.offset.min(end)
            && old.offset <= end
            // Where nobody says which log was truncated all are read anew.
            && !self.oracle.is_misread()
        {
            let words = format!("process {number} committed {offset} for {partition} after {}", old.offset);
            self.oracle.breaks("a commit never goes back", words);
        }
        if offset > end {
            let words = format!("process {number} committed {offset} for {partition}, which ends at {end}");
            self.oracle.breaks("no commit is beyond what was read", words);
        }
        for (id, record) in self.records(partition, from, offset) {
            if self.unseen.get(partition).is_some_and(|unseen| unseen.contains(&id.1)) {
                continue;
            }
            if !self.oracle.is_done(&id, number) {
                let words = format!(
                    "process {number} committed {offset} for {partition}, but offset {} ({}) has no outcome",
                    id.1,
                    words::record(&record)
                );
                return self.oracle.breaks("no loss", words);
            }
            self.ask_user(&id, &record);
        }
        self.checked.insert(partition.clone(), Checked { incarnation, truncations, offset });
    }

    /// The records of a partition that are in the log now.
    pub(super) fn records(
        &self,
        partition: &TopicPartition,
        from: i64,
        to: i64,
    ) -> Vec<(RecordId, Arc<Record>)> {
        let collect = |log: &Log| {
            let within = log.records().filter(|(offset, _)| (from..to).contains(offset));
            within.map(|(offset, record)| (offset, Arc::clone(record))).collect::<Vec<_>>()
        };
        let records = self.cluster.log(&partition.topic, partition.partition, collect).unwrap_or_default();
        let id = |offset, record: &Record| {
            let lent = RecordRef {
                leader_epoch: None,
                slot: 0,
                offset,
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &NoHeaders,
            };
            (partition.clone(), offset, fingerprint(&lent))
        };
        records.into_iter().map(|(offset, record)| (id(offset, &record), record)).collect()
    }

    pub(super) fn ask_user(&self, id: &RecordId, record: &Record) {
        let Some(is_done) = &self.plan.is_done else { return };
        let passed = Passed {
            topic: &id.0.topic,
            partition: id.0.partition,
            offset: id.1,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            cluster: &self.cluster,
        };
        if !is_done(&self.shared, &passed) {
            let words = format!(
                "{}@{} ({}) is committed, but its work is not done, says `done_when`",
                id.0,
                id.1,
                words::record(record)
            );
            self.oracle.breaks("no loss", words);
        }
    }
}
