//! The thread that commits: the request blocks until the broker has acknowledged, and polling must not.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
};

use super::Message;
use crate::{
    broker::{Commit, CommitError, CommitErrorKind, Remote},
    envelope::Desk,
    error::panic_message,
};

/// The giving end. The thread ends with it, after the request under way.
pub(super) struct Committer(Sender<Vec<Commit>>);

impl Committer {
    pub(super) fn start(
        remote: Arc<dyn Remote>,
        answers: Sender<Message>,
        desk: Arc<Desk>,
    ) -> std::io::Result<Self> {
        let (sender, requests) = channel::<Vec<Commit>>();
        thread::Builder::new().name("healer-commit".to_owned()).spawn(move || {
            for request in requests {
                // A request without an answer would be the last one for ever.
                let commit = || remote.commit(&request);
                let result = catch_unwind(AssertUnwindSafe(commit)).unwrap_or_else(|panic| {
                    Err(CommitError { kind: CommitErrorKind::Fatal, text: panic_message(&*panic) })
                });
                if answers.send(Message::Committed(result)).is_err() {
                    return;
                }
                desk.nudge();
            }
        })?;
        Ok(Self(sender))
    }

    pub(super) fn commit(&self, request: Vec<Commit>) {
        // The thread lives as long as this end.
        drop(self.0.send(request));
    }
}
