//! Committing apart from polling: a request blocks until the broker has acknowledged.

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
