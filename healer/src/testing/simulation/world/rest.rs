//! Calm: nothing goes wrong any more, all is done and committed, and all end.

use std::time::Duration;

use super::{CALM, GROUP, World};
use crate::{
    broker::TopicPartition,
    testing::simulation::{hold::set_calm, process::Process},
};

impl<'a, S: 'a> World<'a, S> {
    /// Nothing goes wrong any more: all that is in the log must be done and committed.
    pub(super) fn come_to_rest(&mut self) {
        if self.is_broken() {
            return;
        }
        self.calm = true;
        set_calm(true);
        self.cluster.down(false);
        self.cluster.tune(|settings| {
            (settings.request_faults, settings.commit_faults) = (0, 0);
            (settings.short_polls, settings.full_queues) = (0, 0);
        });
        (0..self.seats.len()).for_each(|seat| self.thaw(seat));
        (0..self.plan.topics.len()).for_each(|topic| self.create_again(topic));
        (0..self.partitions.len()).for_each(|at| self.close(at));
        self.produce(usize::MAX);
        for round in 0..CALM {
            self.calm_round();
            if self.is_broken() || (round % 8 == 7 && self.is_at_rest()) {
                return;
            }
        }
        let why = self.why_not_at_rest();
        self.oracle.breaks("it comes to rest", why);
    }

    pub(super) fn calm_round(&mut self) {
        self.next_step();
        self.start_those_due();
        for at in 0..self.seats.len() {
            let Some(process) = self.running(at) else { continue };
            self.with_hold(&process, Process::turn);
            for _ in 0..1_000 {
                if process.runtime.waiting() == 0 {
                    break;
                }
                self.with_hold(&process, |process| {
                    process.work();
                });
            }
            self.cluster.acknowledge(1_000);
            self.look_at(at, &process);
        }
        self.pass(Duration::from_millis(50));
        self.check();
    }

    fn is_at_rest(&self) -> bool {
        self.cluster.is_settled()
            && self.partitions.iter().all(|partition| self.is_committed(partition))
            && self.seats.iter().filter_map(|seat| seat.process.as_ref()).all(|process| {
                let all = process.handle.partitions();
                all.iter().all(|status| status.pending == 0 && status.blocked.is_none())
            })
    }

    pub(super) fn is_committed(&self, partition: &TopicPartition) -> bool {
        if self.is_done_for_its_owner(partition) {
            return true;
        }
        let committed = self.cluster.committed(GROUP, &partition.topic, partition.partition);
        let (first, end) = self
            .cluster
            .log(&partition.topic, partition.partition, |log| (log.first, log.end()))
            .unwrap_or_default();
        let offset = committed.map(|(offset, _)| offset);
        offset == Some(end) || (offset.is_none() && first == end)
    }

    /// The owner of a partition need not hear of a commit that an admin sets meanwhile, nor of another topic of that name which
    /// has as many records by the time that it is asked for more.
    fn is_done_for_its_owner(&self, partition: &TopicPartition) -> bool {
        let end = self.end(partition);
        let (reset, now) = (self.was_reset.contains(partition), self.time.clock.now());
        let mut all = self.seats.iter().filter_map(|seat| seat.process.as_ref());
        all.any(|process| {
            let cannot_know = reset || !self.oracle.knows(process.number, partition, now);
            cannot_know
                && process.handle.partitions().iter().any(|status| {
                    (&status.topic, status.partition) == (&partition.topic, partition.partition)
                        && (status.frontier, status.pending) == (end, 0)
                })
        })
    }

    /// All are asked to end: they do, and leave nothing behind.
    pub(super) fn stop_all(&mut self) {
        if self.is_broken() {
            return;
        }
        self.ending = true;
        let before = self.oracle.runs().1;
        for at in 0..self.seats.len() {
            if let Some(process) = self.running(at) {
                process.handle.stop();
            }
        }
        for _ in 0..400 {
            self.calm_round();
            if self.seats.iter().all(|seat| seat.process.is_none()) || self.is_broken() {
                break;
            }
        }
        if self.seats.iter().any(|seat| seat.process.is_some()) {
            self.oracle.breaks("a stop ends in time", "a process that was asked to end runs on".to_owned());
        }
        let after = self.oracle.runs().1;
        if after != before {
            self.oracle.breaks("a stop repeats nothing", format!("{} records ran again", after - before));
        }
        let lost = self.partitions.iter().flat_map(|partition| self.records(partition, 0, i64::MAX));
        for (id, record) in lost.collect::<Vec<_>>() {
            if self.checked.contains_key(&id.0)
                && self.checked[&id.0].offset > id.1
                && !self.oracle.was_done(&id)
            {
                // An admin may have set the offset past it.
                continue;
            }
            if self.oracle.was_done(&id) {
                self.ask_user(&id, &record);
            }
        }
    }
}
