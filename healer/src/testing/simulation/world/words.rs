//! The texts of a world: its events, and the reasons why it does not come to rest.

use std::{collections::BTreeMap, fmt::Write as _, sync::atomic::Ordering};

use super::{CALM, GROUP, World};
use crate::{
    broker::TopicPartition,
    engine::PartitionStatus,
    testing::simulation::{cluster::Record, report},
};

/// The longest part of a key or value that is shown, in characters.
const SHOWN: usize = 60;

/// A record by key and value.
pub(super) fn record(record: &Record) -> String {
    let show = |bytes: &[u8]| {
        format!("{:?}", String::from_utf8_lossy(bytes).chars().take(SHOWN).collect::<String>())
    };
    let value = record.value.as_deref().map_or_else(|| "a tombstone".to_owned(), show);
    match record.key.as_deref() {
        Some(key) => format!("key {}, value {value}", show(key)),
        None => format!("value {value}"),
    }
}

impl<'a, S: 'a> World<'a, S> {
    /// Prints an event, while one seed is replayed.
    pub(super) fn tell(&self, words: impl FnOnce() -> String) {
        if self.plan.told.load(Ordering::Relaxed) {
            println!("step {:>5} {:>10.3?}: {}", self.step, self.time.clock.now(), words());
        }
    }

    /// Tells the share of each process, where it changed.
    pub(super) fn tell_shares(&mut self) {
        if !self.plan.told.load(Ordering::Relaxed) {
            return;
        }
        let mut shares = BTreeMap::new();
        for process in self.seats.iter().filter_map(|seat| seat.process.as_ref()) {
            let client: Vec<_> = self.cluster.owned(process.member).iter().map(ToString::to_string).collect();
            let status = process.handle.partitions();
            let engine: Vec<_> =
                status.iter().map(|s| format!("{}[{}] {:?}", s.topic, s.partition, s.state)).collect();
            let generation = self.cluster.generation(process.member);
            shares.insert(
                process.number,
                format!("generation {generation}, client {client:?}, engine {engine:?}"),
            );
        }
        for (number, share) in &shares {
            if self.shares.get(number) != Some(share) {
                self.tell(|| format!("  process {number}: {share}"));
            }
        }
        self.shares = shares;
    }

    /// One line a partition that is not committed to its end, one a process that ended with an error, and a hint.
    pub(super) fn why_not_at_rest(&self) -> String {
        let mut words = format!("nothing goes wrong any more, and after {CALM} rounds of calm");
        let late: Vec<_> = self.partitions.iter().filter(|partition| !self.is_done(partition)).collect();
        for partition in &late {
            let committed = self.cluster.committed(GROUP, &partition.topic, partition.partition);
            let committed = committed.map_or_else(|| "nothing".to_owned(), |(offset, _)| offset.to_string());
            let _ = write!(words, "\n{partition}: {committed} of {} is committed", self.end(partition));
            match self.status(partition) {
                Some((seat, status)) => {
                    let _ = write!(words, "; process {seat} has it{}", what_blocks(&status));
                }
                None => words.push_str("; no process has it"),
            }
        }
        if late.is_empty() {
            words.push_str(" the group is still at a rebalance");
        }
        let mut failed = false;
        for (at, seat) in self.seats.iter().enumerate() {
            let runs = if seat.process.is_some() { "runs" } else { "does not run" };
            if let Some(error) = &seat.error {
                failed = true;
                let _ = write!(words, "\nprocess {at} {runs}; the last error that it ended with: {error}");
            }
        }
        words.push_str(if failed {
            "\nA stage must not fail for good: an error or a panic that depends on `is_calm()` ends with the storm"
        } else {
            "\nIf a stage waits for a thread, a socket or a clock of its own: virtual time does not move these"
        });
        words
    }

    fn is_done(&self, partition: &TopicPartition) -> bool {
        let is_idle = |(_, status): (usize, PartitionStatus)| status.pending == 0 && status.blocked.is_none();
        self.is_committed(partition) && self.status(partition).is_none_or(is_idle)
    }

    /// The seat of the process that has a partition, and its status there.
    fn status(&self, partition: &TopicPartition) -> Option<(usize, PartitionStatus)> {
        self.seats.iter().enumerate().find_map(|(at, seat)| {
            let mut all = seat.process.as_ref()?.handle.partitions().into_iter();
            let status = all.find(|of| (&of.topic, of.partition) == (&partition.topic, partition.partition));
            status.map(|status| (at, status))
        })
    }
}

fn what_blocks(status: &PartitionStatus) -> String {
    match &status.blocked {
        Some(blocked) => {
            let mut words = format!(
                ", and offset {} blocks it at `{}` for {}",
                blocked.offset,
                blocked.stage,
                report::duration(blocked.lasting)
            );
            if let Some(key) = &blocked.key {
                let _ = write!(words, ", key {:?}", String::from_utf8_lossy(key));
            }
            words
        }
        None => format!(" ({:?}, frontier {}, position {})", status.state, status.frontier, status.position),
    }
}
