//! Partitions that the user wants read from elsewhere.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::oneshot;

use super::{Message, rounds::Driver};
use crate::{
    broker::{Broker, Remote, TopicPartition, Watermarks},
    config::Start,
    engine::core::{Older, Part, Start as CoreStart},
    error::Error,
};

/// Where a partition is to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeekTo {
    /// This offset.
    Offset(i64),
    /// The first record at or after this time, which may lie before 1970; the end where there is none. Older records that are
    /// there behind it are skipped, and counted as [`Start::Time`](crate::Start::Time) says.
    Time(SystemTime),
    /// The first record there is.
    Earliest,
    /// The end: records that come from now on.
    Latest,
}

impl fmt::Display for SeekTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(f, "offset {offset}"),
            Self::Time(time) => write!(f, "{}", Start::Time(*time)),
            Self::Earliest => f.write_str("the first record"),
            Self::Latest => f.write_str("the end"),
        }
    }
}

/// Why a partition is read from where it was, as if nobody had asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeekError {
    /// The partition is not this member's now.
    #[error("{partition} is not assigned to this member now: ask the member that has it, or later")]
    NotAssigned {
        /// Topic and partition.
        partition: String,
    },
    /// There is no such offset.
    #[error("{partition} holds offsets {first} up to {end}, and not {offset}: seek within them")]
    OutOfRange {
        /// Topic and partition.
        partition: String,
        /// The offset that was asked for.
        offset: i64,
        /// The first offset there is.
        first: i64,
        /// The offset of the next record to be written.
        end: i64,
    },
    /// The broker did not say which offsets there are.
    #[error(
        "the broker does not say what there is to be read: {0}. The partition is read from where it was; seek again"
    )]
    Broker(Error),
    /// The pipeline has ended, or ends.
    #[error("the pipeline has ended, so nothing is read any more: start it again, and seek then")]
    Ended,
}

/// A partition that is to be read from elsewhere, and the channel for the answer.
pub(crate) struct Sought {
    pub(super) partition: TopicPartition,
    pub(super) to: SeekTo,
    pub(super) answer: oneshot::Sender<Result<i64, SeekError>>,
}

/// The offsets to choose from.
pub(crate) struct Found {
    marks: Watermarks,
    /// The time that was asked for, and its offset.
    at_time: Option<(i64, i64)>,
}

impl Found {
    fn look(
        remote: &dyn Remote,
        partition: &TopicPartition,
        to: SeekTo,
        wait: Duration,
    ) -> Result<Self, Error> {
        let marks = remote.watermarks_of(partition, wait)?;
        let at_time = match to {
            SeekTo::Time(time) => {
                let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                let millis = i64::try_from(millis).unwrap_or(i64::MAX);
                let offsets = remote.offsets_at(std::slice::from_ref(partition), millis, wait)?;
                offsets.first().map(|offset| (millis, *offset))
            }
            _ => None,
        };
        Ok(Self { marks, at_time })
    }

    /// # Errors
    /// The offset that is not there.
    fn choose(&self, to: SeekTo) -> Result<i64, i64> {
        let Watermarks { first, stable, end } = self.marks;
        match to {
            SeekTo::Earliest => Ok(first),
            SeekTo::Latest => Ok(stable),
            SeekTo::Time(_) => Ok(self.at_time.map_or(stable, |(_, offset)| offset)),
            SeekTo::Offset(offset) if (first..=end).contains(&offset) => Ok(offset),
            SeekTo::Offset(offset) => Err(offset),
        }
    }
}

impl<B: Broker> Driver<B> {
    /// Looks up the offsets that the user asked for since the last time.
    pub(super) fn take_seeks(&mut self) {
        for sought in self.control.take_seeks() {
            let (partition, to, wait) = (sought.partition.clone(), sought.to, self.config.connect_timeout());
            let question = move |remote: &dyn Remote| Found::look(remote, &partition, to, wait);
            self.requests.asker.ask(question, move |found| Message::Sought(sought, found));
        }
    }

    /// Reads a partition from elsewhere, as a new generation.
    pub(super) fn take_sought(&mut self, sought: Sought, found: Result<Found, Error>) {
        let Sought { partition, to, answer } = sought;
        let result = found.map_err(SeekError::Broker).and_then(|found| self.seek(&partition, to, &found));
        if let Ok(offset) = result {
            let TopicPartition { topic, partition } = &partition;
            tracing::info!(topic = &**topic, partition, offset, "reading from elsewhere, as was asked: {to}");
        }
        // The caller may have gone.
        drop(answer.send(result));
    }

    fn seek(&mut self, partition: &TopicPartition, to: SeekTo, found: &Found) -> Result<i64, SeekError> {
        let Watermarks { first, end, .. } = found.marks;
        let offset = found.choose(to).map_err(|offset| SeekError::OutOfRange {
            partition: partition.to_string(),
            offset,
            first,
            end,
        })?;
        let generations = self.assignments.generations;
        // Not where it is to be given back: then its ledger says which records were done up to there.
        let may = self.control.core().part_of(partition).is_some_and(Part::is_open);
        if may {
            let older = found.at_time.map(|(than, _)| Older { than, below: end });
            self.reopen(partition, CoreStart::sought(offset, older));
        }
        let opened = self
            .control
            .core()
            .part_of(partition)
            .is_some_and(|part| part.home.generation > generations && part.start() == offset);
        if opened { Ok(offset) } else { Err(SeekError::NotAssigned { partition: partition.to_string() }) }
    }
}
