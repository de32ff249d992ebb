//! The thread that writes to the store: a slow disk must not hold the poll thread.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use healer_store::{Checkpoint, Journal, PartitionSnapshot};

use super::Message;

/// What one tick saves, in one atomic write.
#[derive(Default)]
pub(super) struct Save {
    pub(super) snapshots: Vec<PartitionSnapshot>,
    pub(super) checkpoints: Vec<Checkpoint>,
}

/// The giving end.
pub(super) struct Saver {
    jobs: Sender<Save>,
    ended: Receiver<()>,
}

impl Saver {
    pub(super) fn start(journal: Arc<Journal>, answers: Sender<Message>) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Save>();
        let (end, ended) = channel();
        thread::Builder::new().name("healer-store".to_owned()).spawn(move || {
            while let Ok(mut job) = queue.recv() {
                // What piled up meanwhile goes along; a later snapshot of a partition replaces an earlier one.
                for later in queue.try_iter() {
                    let newer = |old: &PartitionSnapshot| {
                        !later
                            .snapshots
                            .iter()
                            .any(|new| (&new.topic, new.partition) == (&old.topic, old.partition))
                    };
                    job.snapshots.retain(newer);
                    job.snapshots.extend(later.snapshots);
                    job.checkpoints.extend(later.checkpoints);
                }
                if let Err(error) = journal.save(&job.snapshots, &job.checkpoints) {
                    drop(answers.send(Message::Store(error)));
                    break;
                }
            }
            // Nobody waits any more after the budget.
            let _ = end.send(());
        })?;
        Ok(Self { jobs, ended })
    }

    pub(super) fn save(&self, save: Save) {
        // A thread that has ended has said why.
        drop(self.jobs.send(save));
    }

    /// Waits for what was given, not longer than `budget`.
    pub(super) fn finish(self, budget: Duration) {
        drop(self.jobs);
        if self.ended.recv_timeout(budget).is_err() {
            tracing::warn!("the store did not take the last snapshot in time; its records are replayed");
        }
    }
}
