//! Committing apart from polling: a request blocks until the broker has acknowledged.
//!
//! **Commits go by topic name**, so one for a topic that was just deleted may be taken for its successor. A member that starts at
//! such an offset passes over records of the new topic: delete a topic only when its group rests.
//!
//! **A topic that is gone** stops a start, not a pipeline that runs: the group takes its partitions away, and they come back with
//! the topic. A commit that fails because of it does not say which topic it was: its entries are asked for one by one, the topic
//! found is left out for ten seconds, the others are committed together again.

use std::sync::{Arc, mpsc::Sender};

use super::Message;
use crate::{
    broker::{Commit, CommitError, CommitErrorKind, Remote},
    envelope::{Desk, Home},
    error::catch,
    lane::Worker,
};

/// Sends requests, one after the other.
pub(super) struct Committer {
    pub(super) worker: Box<dyn Worker>,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) answers: Sender<Message>,
    pub(super) desk: Arc<Desk>,
}

impl Committer {
    /// Asks the broker for these commits, but not for those of a generation that is over by the time it is their turn.
    pub(super) fn commit(&self, request: Vec<(Arc<Home>, Commit)>) {
        let (remote, answers, desk) =
            (Arc::clone(&self.remote), self.answers.clone(), Arc::clone(&self.desk));
        self.worker.give(Box::new(move || {
            let current = request.into_iter().filter(|(home, _)| !home.is_fenced());
            let request: Vec<_> = current.map(|(_, commit)| commit).collect();
            // A request without an answer would be the last one for ever.
            let commit = || if request.is_empty() { Ok(()) } else { remote.commit(&request) };
            let result = catch(commit).unwrap_or_else(|panicked| {
                Err(CommitError { kind: CommitErrorKind::Fatal, text: panicked.message })
            });
            // Nobody listens once the pipeline has ended.
            let _ = answers.send(Message::Committed(result));
            desk.nudge();
        }));
    }
}
