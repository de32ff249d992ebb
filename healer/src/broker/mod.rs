//! The operations that the engine asks of a broker, so that the same engine runs on Kafka and on a simulated one.
//!
//! `kafka` is the only user of rdkafka in the whole workspace's library code. Nothing here is public: nobody
//! outside healer can offer a broker, and so nobody can mint a record with an offset.

pub(crate) mod kafka;
mod pattern;
mod types;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

pub(crate) use pattern::Pattern;
pub use types::Outage;
pub(crate) use types::*;

/// The consuming side: one member of one group. One thread at a time calls it.
pub(crate) trait Broker: Send + 'static {
    /// Its fetching end, apart from the rest: one thread may go on fetching while another runs user code.
    type Source: Source;

    fn source(&self) -> Arc<Self::Source>;

    /// Joins the group for these topics.
    fn subscribe(&mut self, topics: &[Topics]) -> Result<(), BrokerError>;

    /// Events since the last call, oldest first.
    fn events(&mut self) -> Vec<Event>;

    /// Answers [`Event::Assigned`]: fetching starts at the given offsets.
    fn assign(&mut self, partitions: &[Assignment]) -> Result<(), BrokerError>;

    /// Answers [`Event::Revoked`] and [`Event::Lost`]: only now may the group go on.
    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError>;

    /// Stops fetching. Records that were fetched and not yet lent are thrown away; `resume` has them fetched again.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError>;

    /// Fetches again.
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BrokerError>;

    /// Fetches an assigned partition from another offset on, also if it was paused. A fetch that is running may still lend older
    /// records.
    fn seek(&mut self, to: &Assignment) -> Result<(), BrokerError>;

    /// The next offset of each assigned partition by slot: past the records that were lent, and past transaction markers and gaps
    /// behind them. A partition that has no position yet is left out.
    fn positions(&mut self) -> Vec<(u32, i64)>;

    /// The requests that block, for other threads.
    fn remote(&self) -> Arc<dyn Remote>;

    /// Leaves the group and drops the client. Blocks; not longer than `budget` (a client that cannot leave in time is
    /// dropped by a thread of its own).
    fn close(self, budget: Duration);
}

/// The fetching end of a [`Broker`].
pub(crate) trait Source: Send + Sync + 'static {
    /// Waits at most `wait` for a first record, takes the records that are there up to `max` (or fewer that are large), and lends
    /// them as one chunk.
    ///
    /// `each` is called at most once, and only with records of partitions that are assigned. All other events of that time
    /// are in [`Broker::events`]. One thread at a time fetches, but another may while `each` runs.
    fn poll(&self, max: usize, wait: Duration, each: &mut dyn FnMut(&[RecordRef<'_>]));
}

/// Requests that block until the broker answers or the time is over; any thread may send them.
pub(crate) trait Remote: Send + Sync + 'static {
    /// Commits; `Ok` only when the broker acknowledged every partition.
    fn commit(&self, offsets: &[Commit]) -> Result<(), CommitError>;

    /// The offsets that the group has committed, in the order asked; `None` where there is none.
    fn committed(
        &self,
        partitions: &[TopicPartition],
        wait: Duration,
    ) -> Result<Vec<Option<Committed>>, BrokerError>;

    /// Where partitions begin and end, in the order asked. All that was committed before is within, however far the client may read.
    fn watermarks(
        &self,
        partitions: &[TopicPartition],
        wait: Duration,
    ) -> Result<Vec<Watermarks>, BrokerError>;

    /// As [`watermarks`](Self::watermarks), of one.
    fn watermarks_of(&self, partition: &TopicPartition, wait: Duration) -> Result<Watermarks, BrokerError> {
        let marks = self.watermarks(std::slice::from_ref(partition), wait)?;
        marks.into_iter().next().ok_or_else(|| BrokerError {
            kind: BrokerErrorKind::Transient,
            text: format!("the broker does not say where {partition} ends"),
        })
    }

    /// The first offset at or after a time in milliseconds since 1970; where there is none, how far the client may read.
    fn offsets_at(
        &self,
        partitions: &[TopicPartition],
        millis: i64,
        wait: Duration,
    ) -> Result<Vec<i64>, BrokerError>;

    /// The partitions of all topics that match now.
    ///
    /// A named topic that does not exist is an error that names it; a pattern may match none.
    fn partitions(&self, topics: &[Topics], wait: Duration) -> Result<Vec<TopicPartition>, BrokerError>;

    /// The id that the brokers tell of their cluster; `None` where they tell none.
    fn cluster_id(&self, wait: Duration) -> Option<String>;

    /// Whether the client has lost all brokers; answers at once, from the client's own knowledge.
    fn outage(&self) -> Option<Outage> {
        None
    }
}

/// Records that count together with the offsets of the records that they were made of. Its calls block.
pub(crate) trait AtomicCommit {
    /// Puts a record on its way.
    fn send(&mut self, record: &OutRecord<'_>) -> Result<Delivery, SendError>;

    /// Takes back all records sent since the last end, also those still on their way; `false` where that cannot be done.
    fn undo(&mut self) -> Result<bool, BrokerError>;

    /// Why no record sent since the last end can count any more.
    fn fault(&self) -> Option<BrokerError>;

    /// Commits the offsets with all records sent, of which each is acknowledged by now.
    fn end(&mut self, offsets: &[Commit]) -> Result<(), BrokerError>;

    /// As [`Producer::check_topic`].
    fn check_topic(&self, topic: &str, wait: Duration) -> Result<(), BrokerError>;
}

/// An acknowledgement on its way.
pub(crate) type Delivery = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send>>;

/// The producing side; shared by all sinks of a pipeline.
pub(crate) trait Producer: Send + Sync + 'static {
    /// Puts a record on the way. The future ends with the broker's acknowledgement, never before.
    fn send(&self, record: &OutRecord<'_>) -> Result<Delivery, SendError>;

    /// An error that says so unless the topic exists.
    fn check_topic(&self, topic: &str, wait: Duration) -> Result<(), BrokerError>;

    /// Waits until everything sent is acknowledged or failed, or the time is over.
    fn flush(&self, budget: Duration);

    /// Why records may wait for their acknowledgement; answers at once, from the client's own knowledge.
    fn trouble(&self) -> Option<String> {
        None
    }
}
