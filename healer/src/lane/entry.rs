//! A chain from its source on, as the engine knows it: a chunk of one partition runs through it in one dynamic call.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Host;
use crate::{
    broker::RecordRef,
    envelope::{Home, Outcome, Reason},
    error::Failure,
};

/// A run of neighbouring offsets of a chunk that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: i64,
    pub(crate) end: i64,
    /// Whether they are done; else they moved on, or failed.
    pub(crate) done: bool,
}

/// How much may leave for tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) records: u64,
    /// The last of them may go beyond.
    pub(crate) bytes: u64,
}

impl Credit {
    /// For one record, however large.
    pub(crate) const ONE: Self = Self { records: 1, bytes: u64::MAX };
}

/// The results of a chunk of one partition.
#[derive(Debug, Default)]
pub(crate) struct ChunkLog {
    pub(crate) runs: Vec<Run>,
    pub(crate) healed: u64,
    pub(crate) skipped: Vec<(Reason, u64)>,
    pub(crate) moved: u64,
    /// The charges of those that moved on.
    pub(crate) moved_bytes: u64,
    pub(crate) failure: Option<Failure>,
}

impl ChunkLog {
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.skipped.clear();
        (self.healed, self.moved, self.moved_bytes) = (0, 0, 0);
        self.failure = None;
    }

    #[inline]
    pub(crate) fn add(&mut self, offset: i64, done: bool) {
        match self.runs.last_mut() {
            Some(run) if run.end == offset && run.done == done => run.end += 1,
            _ => self.runs.push(Run { first: offset, end: offset + 1, done }),
        }
    }

    /// A record that no node sees.
    pub(crate) fn skip(&mut self, offset: i64, reason: Reason) {
        self.add(offset, true);
        self.settled(Outcome::Skipped(reason));
    }

    #[inline]
    pub(crate) fn settled(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Healed => self.healed += 1,
            Outcome::Skipped(reason) => match self.skipped.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => self.skipped.push((reason, 1)),
            },
            // The poll thread waits for no acknowledgement.
            Outcome::DeadLettered | Outcome::Returned => {}
        }
    }
}

/// A chain from a source on, erased: one dynamic call a chunk.
pub(crate) trait Entry: Send + Sync {
    fn open(&self, host: &Host, home: Arc<Home>) -> Box<dyn EntryLane>;
}

/// A partition's lane through a whole chain.
pub(crate) trait EntryLane: Send {
    /// Whether a node of the chain reads headers, dead letters are made of its records, or these are traced.
    fn reads(&self) -> bool;

    /// Runs records until one fails or the partition is to rest, `credit` has left for tasks, or it is time; says how many it took.
    fn run(
        &mut self,
        records: &[RecordRef<'_>],
        credit: Credit,
        until: Option<Instant>,
        log: &mut ChunkLog,
    ) -> usize;
}

/// How long a chunk may run before the poll thread looks at its other work.
pub(crate) const CHUNK_TIME: Duration = Duration::from_millis(10);
