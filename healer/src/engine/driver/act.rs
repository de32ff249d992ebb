//! Carries out the core's actions.

use std::sync::Arc;

use super::{
    rounds::Driver,
    saver::{Save, StateSave},
};
use crate::{
    broker::{Broker, Commit, TopicPartition},
    engine::core::{Action, CommitEntry, Event},
    journal::{Checkpoint, PartitionSnapshot},
};

impl<B: Broker> Driver<B> {
    pub(super) fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Commit(entries) => self.commit(&entries),
                Action::Save { number, slots } => self.save(number, &slots),
                Action::Close(slots) => {
                    self.saver.hurry(self.control.now());
                    for slot in slots {
                        self.lanes.close(slot);
                    }
                }
                Action::Abort(slots) => self.abort(&slots),
                Action::Rewind { slot, generation, offset } => self.rewind((slot, generation), offset),
                Action::Release(partitions) => {
                    if let Err(error) = self.broker.unassign(&partitions) {
                        self.step(Event::Failed(error.into()));
                    }
                }
                // Nobody listens where the pipeline has no node that waits.
                Action::Flush(flush) => drop(self.flush.send(flush)),
                Action::AskGroup(partitions) => self.ask_group(partitions),
                Action::Finish => {}
            }
        }
    }

    fn abort(&mut self, slots: &[u32]) {
        let stopping = !self.control.core().is_running();
        for slot in slots {
            self.lanes.abort(*slot);
        }
        if stopping {
            self.shared.abort();
        }
    }

    fn commit(&mut self, entries: &[CommitEntry]) {
        let core = self.control.core();
        let commit = |entry: &CommitEntry| {
            let partition = self.assignments.slots[entry.slot as usize].clone();
            let home = Arc::clone(&core.part(entry.slot)?.home);
            let CommitEntry { offset, metadata, .. } = entry.clone();
            (home.generation == entry.generation).then_some((home, Commit { partition, offset, metadata }))
        };
        self.committer.commit(entries.iter().filter_map(commit).collect());
    }

    fn save(&mut self, number: Option<u64>, slots: &[u32]) {
        let mut save = Save { number, ..Save::default() };
        let core = self.control.core();
        for part in slots.iter().filter_map(|slot| core.part(*slot)) {
            let fingerprint = part.ledger.first_pending().and_then(|offset| part.home.place(offset));
            let TopicPartition { topic, partition } = &part.home.partition;
            save.snapshots.push(PartitionSnapshot::of(
                topic.to_string(),
                *partition,
                part.lineage,
                &part.ledger,
                fingerprint.map(|place| place.fingerprint),
            ));
        }
        // After the ledgers were read: the changes of all records that these say are done are in the nodes' memory by now.
        for part in core.parts().filter(|part| part.state.is_kept()) {
            let (moment, moved) = ((part.lineage, part.ledger.frontier()), slots.contains(&part.home.slot));
            save.states.push(StateSave::new(&part.home, &part.state, moment, moved));
        }
        drop(core);
        self.control.checkpoints.take_fresh(|(node, topic, partition), cell| {
            save.checkpoints.push(Checkpoint {
                node: node.to_string(),
                topic: topic.to_string(),
                partition: *partition,
                offset: cell.offset,
                type_name: cell.type_name.to_owned(),
                json: cell.json.clone(),
            });
        });
        self.saver.save(save);
    }
}
