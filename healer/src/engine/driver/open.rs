//! Opening partitions: those that were assigned, and those that are read anew.

use std::sync::Arc;

use super::rounds::Driver;
use crate::{
    broker::{Assignment, Broker, TopicPartition},
    engine::core::{Assigned, Event, Start},
    envelope::Home,
    error::BuildError,
    lane::{Host, LaneState},
};

impl<B: Broker> Driver<B> {
    /// Answers an assignment: opens lanes and has the broker fetch.
    pub(super) fn open(&mut self, starts: Vec<(TopicPartition, Start)>) {
        let mut assigned = Vec::with_capacity(starts.len());
        let mut assignments = Vec::with_capacity(starts.len());
        for (partition, mut start) in starts {
            let fresh = self.requests.asker.runtime.random();
            let state = Arc::new(LaneState::new(start.kept.take(), fresh));
            let Some((slot, home)) = self.open_lane(&partition, &state) else { continue };
            let TopicPartition { topic, partition: number } = &partition;
            tracing::info!(topic = &**topic, partition = number, offset = start.offset, "assigned");
            assignments.push(Assignment { partition, slot, offset: start.offset });
            assigned.push(Assigned { slot, home, start, fresh, state });
        }
        self.step(Event::Assigned(assigned));
        if let Err(error) = self.broker.assign(&assignments) {
            self.step(Event::Failed(error.into()));
        }
    }

    /// Reads a partition anew from an offset that was passed already.
    pub(super) fn rewind(&mut self, (slot, generation): (u32, u32), offset: i64) {
        if self.control.core().part(slot).is_none_or(|part| part.home.generation != generation) {
            return;
        }
        let partition = self.assignments.slots[slot as usize].clone();
        self.reopen(&partition, Start::at(offset));
    }

    /// Opens a new generation of a partition that is assigned already; outcomes that still come from the old one change nothing.
    pub(super) fn reopen(&mut self, partition: &TopicPartition, start: Start) {
        let fresh = self.requests.asker.runtime.random();
        // What nodes have absorbed is of the way that ends here.
        let state = Arc::new(LaneState::new(None, fresh));
        let Some((slot, home)) = self.open_lane(partition, &state) else { return };
        let (to, generation) =
            (Assignment { partition: partition.clone(), slot, offset: start.offset }, home.generation);
        self.step(Event::Restarted(Assigned { slot, home, start, fresh, state }));
        if self.control.core().part(slot).is_none_or(|part| part.home.generation != generation) {
            return; // it is on its way out
        }
        if let Err(error) = self.broker.seek(&to) {
            self.step(Event::Failed(error.into()));
        }
    }

    /// Opens the lane of a partition in a new generation.
    fn open_lane(&mut self, partition: &TopicPartition, state: &Arc<LaneState>) -> Option<(u32, Arc<Home>)> {
        let mut takers = self.assignments.routes.iter().filter(|route| route.takes(&partition.topic));
        let Some(route) = takers.next() else {
            let TopicPartition { topic, partition } = partition;
            tracing::warn!(topic = &**topic, partition, "assigned, but no source reads it");
            return None;
        };
        // Two patterns may have a topic in common, which nobody knows before it is there.
        if let Some(other) = takers.next() {
            let (topic, one, other) =
                (&partition.topic, self.graph.path(route.node), self.graph.path(other.node));
            let fault = format!(
                "topic `{topic}` matches the patterns of `{one}` and of `{other}`, and only one of them would get its records; none was read: \
                 make the patterns differ, or bind one source and use its name twice"
            );
            self.step(Event::Failed(BuildError { faults: vec![fault] }.into()));
            return None;
        }
        let known = self.assignments.slots.iter().position(|known| known == partition);
        let slot = known.unwrap_or_else(|| {
            self.assignments.slots.push(partition.clone());
            self.assignments.slots.len() - 1
        });
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        self.assignments.generations += 1;
        let generation = self.assignments.generations;
        let desk = Arc::clone(&self.control.desk);
        let home = Home::new(slot, generation, partition.clone(), desk);
        let home = home.read_by(route.node).keeping(self.shared.nodes.copies(route.node));
        let home = Arc::new(home);
        let host = Host::of_partition(&self.shared, &home, Arc::clone(state));
        let entry = route.entry.open(&host, Arc::clone(&home));
        self.lanes.open(Arc::clone(&home), host, entry);
        Some((slot, home))
    }
}
