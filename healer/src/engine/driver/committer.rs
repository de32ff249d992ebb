//! Committing apart from polling: a request blocks until the broker has acknowledged.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::Sender},
};

use super::Message;
use crate::{
    broker::{Commit, CommitError, CommitErrorKind, Remote},
    engine::Worker,
    envelope::Desk,
    error::panic_message,
};

/// Sends requests, one after the other.
pub(super) struct Committer {
    pub(super) worker: Box<dyn Worker>,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) answers: Sender<Message>,
    pub(super) desk: Arc<Desk>,
}

impl Committer {
    pub(super) fn commit(&self, request: Vec<Commit>) {
        let (remote, answers, desk) =
            (Arc::clone(&self.remote), self.answers.clone(), Arc::clone(&self.desk));
        self.worker.give(Box::new(move || {
            // A request without an answer would be the last one for ever.
            let commit = || remote.commit(&request);
            let result = catch_unwind(AssertUnwindSafe(commit)).unwrap_or_else(|panic| {
                Err(CommitError { kind: CommitErrorKind::Fatal, text: panic_message(&*panic) })
            });
            // Nobody listens once the pipeline has ended.
            let _ = answers.send(Message::Committed(result));
            desk.nudge();
        }));
    }
}
