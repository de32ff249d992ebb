//! Threads that run lanes apart from the poll thread, where the user asks for them: each has the lanes of some partitions, and the
//! poll thread fetches, copies and keeps the books.
//!
//! **Threads.** With `threads` above 1 lanes run on threads of their own (`driver/workers.rs`, partition by slot), the poll
//! thread only fetches, copies records into each lane's backlog (pieces of 128 KiB that are filled again), and keeps the books:
//! the log of a lane's run comes back as a message, with the entry, so that core and ledger know one thread. A lane is handed
//! over as a whole with all that waits for it, so nothing is shared while it runs. Records that an earlier owner's claim is about
//! run on the poll thread, one by one.

use std::sync::{Arc, mpsc::Sender};

use super::{Message, lanes::LaneRun};
use crate::{
    envelope::Desk,
    error::{Error, catch},
    lane::{ChunkLog, Runtime, Worker},
};

/// How many records such a thread runs at once: it is handed more less often than the poll thread takes a chunk.
pub(super) const MOST_AT_ONCE: usize = 2_048;

/// The threads.
pub(super) struct LaneWorkers {
    workers: Vec<Box<dyn Worker>>,
    runtime: Arc<dyn Runtime>,
    answers: Sender<Message>,
    desk: Arc<Desk>,
}

/// A run that comes back from such a thread, with the log of its records.
pub(crate) struct Ran {
    pub(super) run: LaneRun,
    pub(super) log: ChunkLog,
    pub(super) leader_epoch: Option<i32>,
}

impl LaneWorkers {
    pub(super) fn new(
        workers: Vec<Box<dyn Worker>>,
        runtime: Arc<dyn Runtime>,
        answers: Sender<Message>,
        desk: Arc<Desk>,
    ) -> Self {
        Self { workers, runtime, answers, desk }
    }

    /// Has a lane's thread run the records that wait for it.
    pub(super) fn give(&self, run: LaneRun) {
        let (runtime, answers, desk) =
            (Arc::clone(&self.runtime), self.answers.clone(), Arc::clone(&self.desk));
        self.workers[run.home.slot as usize % self.workers.len()].give(Box::new(move || {
            // A lane that never came back would hold its partition for ever.
            let ran = catch(|| play(run, &*runtime));
            let message = ran.map_or_else(
                |panicked| Message::Broke(Error::Engine(panicked.message)),
                |ran| Message::Ran(Box::new(ran)),
            );
            // Nobody listens once the pipeline has ended.
            let _ = answers.send(message);
            desk.nudge();
        }));
    }
}

/// How many of them are lent to the chain at once: few enough to stay close to the processor.
const SLICE: usize = 256;

fn play(mut run: LaneRun, runtime: &dyn Runtime) -> Ran {
    let mut log = ChunkLog::default();
    let (until, mut left, mut leader_epoch) = (runtime.chunk_end(), MOST_AT_ONCE, None);
    loop {
        let LaneRun { home, entry, leave, waiting } = &mut run;
        let records = waiting.lend(home.slot, SLICE.min(left));
        let count = records.len();
        let taken = entry.run(&records, leave.credit, until, &mut log);
        if let Some(last) = records[..taken].last() {
            leader_epoch = last.leader_epoch;
        }
        drop(records);
        waiting.take(taken);
        left -= taken;
        let ends = taken < count || log.failure.is_some() || home.is_held();
        if ends || left == 0 || waiting.is_empty() {
            return Ran { run, log, leader_epoch };
        }
    }
}
