//! Where the logs of this member's partitions end, and how far they may be read, looked up now and then: so that lag can be told, and
//! a transaction that holds a partition back.

use std::{collections::BTreeMap, time::Duration};

use super::{Message, rounds::Driver};
use crate::{
    broker::{Broker, Remote, TopicPartition, Watermarks},
    error::Error,
};

/// How often they are looked up. It takes two looks to tell a transaction that stands still.
const EVERY: Duration = Duration::from_secs(3);

/// When they are looked up first: a start has more important questions.
pub(super) const FIRST: Duration = Duration::from_secs(2);

/// How long the answer may take: other questions wait behind it.
const PATIENCE: Duration = Duration::from_secs(2);

impl<B: Broker> Driver<B> {
    /// Asks, where it is time and nobody asks yet.
    pub(super) fn ask_ends(&mut self, now: Duration) {
        // A look-up for offsets out of range is more urgent, and may be repeated as long as a suspect has nothing to read.
        if self.requests.ends_at.is_none_or(|at| now < at) || self.requests.out_of_range.is_asking() {
            return;
        }
        let core = self.control.core();
        let partitions = core.partitions();
        let is_running = core.is_running();
        drop(core);
        if partitions.is_empty() || !is_running {
            return;
        }
        let wait = PATIENCE.min(self.config.connect_timeout());
        let question = move |remote: &dyn Remote| {
            let marks = remote.watermarks(&partitions, wait)?;
            Ok(partitions.into_iter().zip(marks).collect())
        };
        self.requests.ends_at =
            if self.requests.asker.ask(question, Message::Ends) { None } else { Some(now + EVERY) };
    }

    /// Takes in the answer. An outage is told elsewhere; the next look-up asks again.
    pub(super) fn take_ends(&mut self, ends: Result<BTreeMap<TopicPartition, Watermarks>, Error>) {
        let now = self.control.now();
        self.requests.ends_at = Some(now + EVERY);
        match ends {
            Ok(ends) => self.control.core().log_ends(&ends, now),
            Err(error) => tracing::debug!(%error, "where logs end is not known now"),
        }
    }
}
