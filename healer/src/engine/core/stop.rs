//! Ending: no more dispatch, drain, last commit.
//!
//! **Stop.** No more dispatch, drain within the budget, last commit, last snapshot, leave. `App::run` and a start that has not
//! given its handle yet hold the pipeline on a `Leash`: dropped, it asks for the same, since nobody else could. A handle that was
//! given is no leash: a program with several would stop the pipeline with the first.

use std::time::Duration;

use super::{Action, Core, Phase};
use crate::error::{Cause, Error, Failure, RecordError, said::chain};

/// Logs the error that ends the pipeline, with the record or partition that it is about.
fn tell_end(error: &Error) {
    let record = match error {
        Error::Record(record) => Some(&**record),
        _ => None,
    };
    let place = match error {
        Error::Record(record) => Some((record.topic.as_str(), record.partition)),
        Error::Fenced { topic, partition } => Some((topic.as_str(), *partition)),
        Error::Start(error) => Some(error.place()),
        _ => None,
    };
    tracing::error!(
        emit_id = record.and_then(|record| record.emit_id).map(display),
        topic = place.map(|(topic, _)| topic),
        partition = place.map(|(_, partition)| partition),
        offset = record.map(|record| record.offset),
        stage = record.map(|record| record.stage.as_str()),
        attempt = record.map(|record| record.attempts),
        error = chain(error),
        "the pipeline stops"
    );
}

/// The time that the last commit has at least, however long the drain took.
const LAST_COMMIT: Duration = Duration::from_secs(1);

/// How long a record may be back without a word about why. The reason follows its receipt within moments.
const SILENT_RETURN: Duration = Duration::from_millis(500);

impl Core {
    /// Ends because of an error; the first one is the one that is told.
    pub(super) fn fail(&mut self, error: Error, now: Duration, actions: &mut Vec<Action>) {
        if self.failure.is_none() {
            tell_end(&error);
            self.failure = Some(error);
        }
        self.stop(now, actions);
    }

    /// A record came back, and nobody says why: its call was cancelled from outside, or forgot it.
    pub(super) fn find_lost(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let lost = |part: &super::Part| {
            let (offset, since) = part.returned?;
            (now >= since + SILENT_RETURN).then(|| (part.home.clone(), offset))
        };
        let Some((home, offset)) = self.parts.values().find_map(lost) else {
            return;
        };
        let node = home.node(offset);
        let topic = home.partition.topic.clone();
        let failure = Failure::at(node, topic, home.partition.partition, offset, Cause::Lost)
            .of_id(home.emit_id(offset));
        let path = (self.path)(node);
        self.fail(Error::record(RecordError::new(failure.into_inner(), &path)), now, actions);
    }

    pub(super) fn stop(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.phase != Phase::Running {
            return;
        }
        self.phase = Phase::Draining(now + self.settings.drain_budget);
        self.parts.values_mut().for_each(super::Part::close);
        actions.push(Action::Flush(true));
        actions.push(Action::Close(self.parts.keys().copied().collect()));
    }

    pub(super) fn advance_stop(&mut self, now: Duration, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Draining(deadline) => {
                let drained = self.parts.values().all(super::Part::is_drained);
                if (!drained || self.commits.is_under_way()) && now < deadline {
                    return;
                }
                actions.push(Action::Abort(self.parts.keys().copied().collect()));
                self.phase = Phase::LastCommit(deadline.max(now + LAST_COMMIT));
                if !self.commit_now(now, actions) {
                    self.finish(actions);
                }
            }
            Phase::LastCommit(deadline) => {
                let waiting = self.commits.is_under_way();
                let due = self.commits.can_succeed() && self.parts.values().any(|part| part.due().is_some());
                // A failed last commit is tried again while there is time; records that stay uncommitted are replayed.
                if (waiting || due) && now < deadline {
                    if !waiting && self.commits.may_retry_last(now) {
                        self.commit_now(now, actions);
                    }
                    return;
                }
                self.finish(actions);
            }
            Phase::Running | Phase::Finished => {}
        }
    }

    fn finish(&mut self, actions: &mut Vec<Action>) {
        self.phase = Phase::Finished;
        actions.push(Action::Finish);
    }
}
