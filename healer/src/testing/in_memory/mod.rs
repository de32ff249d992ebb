//! A pipeline over records that are in memory already: [`InMemory`].

mod broker;
mod records;
mod runtime;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use self::{
    broker::{Connected, Shelf},
    records::{Part, Records},
    runtime::OneThread,
};
use super::TestRecord;
use crate::{
    App, Config, Context, Error, Report,
    broker::TopicPartition,
    engine::{self, Launch, Mode, Turner},
};

/// Runs a pipeline over records that are in memory already: the very engine of production, with ledger, commits and store, on the
/// calling thread alone, without a broker, and with a clock that goes on only where all wait.
///
/// What is left is what healer itself does with a record, and that is the same each time: it is meant for counting instructions
/// and allocations, and for profilers. It shows nothing about delivery, since nothing ever goes wrong here: that is what
/// [`Simulation`](super::Simulation) is for.
///
/// Sinks are acknowledged at once, and what they send is thrown away. A `blocking` stage has threads of its own here too, and with
/// it counts differ a little.
///
/// ```
/// use healer::{prelude::*, testing::InMemory};
///
/// #[stage]
/// fn length(line: String) -> usize {
///     line.len()
/// }
///
/// let app = pipeline! { name "lengths"; lines = kafka::string("lines") => length; lines => heal; };
/// let report = InMemory::new("lines", 4, ["one", "two", "three"]).run(app, 10_000)?;
/// assert_eq!(report.healed, 10_000);
/// # Ok::<_, healer::Error>(())
/// ```
#[derive(Debug)]
pub struct InMemory {
    topic: Arc<str>,
    partitions: usize,
    sample: Arc<[TestRecord]>,
}

impl InMemory {
    /// A topic whose partitions hold these records, round and round.
    ///
    /// # Panics
    /// If there is no partition or no record.
    pub fn new<R: Into<TestRecord>>(
        topic: &str,
        partitions: usize,
        sample: impl IntoIterator<Item = R>,
    ) -> Self {
        let sample: Arc<[TestRecord]> = sample.into_iter().map(Into::into).collect();
        assert!(partitions > 0, "a topic has a partition at least");
        assert!(!sample.is_empty(), "without a record there is nothing to run");
        Self { topic: topic.into(), partitions, sample }
    }

    /// Runs a pipeline over the first `count` records, evenly over the partitions, and ends when all are committed.
    ///
    /// # Errors
    /// As [`App::run_until_end`](crate::App::run_until_end), but for what only a broker knows.
    ///
    /// # Panics
    /// If it is called within a tokio runtime: it has one of its own.
    pub fn run(&self, app: App, count: u64) -> Result<Report, Error> {
        let share = |partition: usize| {
            let share = (count + self.partitions as u64 - 1 - partition as u64) / self.partitions as u64;
            i64::try_from(share).unwrap_or(i64::MAX)
        };
        let part = |partition: usize| Part {
            partition: TopicPartition {
                topic: Arc::clone(&self.topic),
                partition: i32::try_from(partition).unwrap_or(i32::MAX),
            },
            records: Records::Round(Arc::clone(&self.sample), share(partition)),
        };
        run((0..self.partitions).map(part).collect(), app, false)
    }
}

/// A record, and where it was.
pub(super) struct Placed {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) record: TestRecord,
}

impl Placed {
    /// What a stage is told of it.
    pub(super) fn context(&self) -> Context {
        let mut context = Context::reusable(Arc::clone(&self.topic), self.partition);
        let record = self.record.at(0, self.offset);
        context.refill(&record);
        context.refill_rest(&record);
        context
    }
}

/// Runs a pipeline over records where they were.
pub(super) fn run_where_they_were(
    app: App,
    records: impl IntoIterator<Item = Placed>,
    always_stops: bool,
) -> Result<Report, Error> {
    let mut parts: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for Placed { topic, partition, offset, record } in records {
        parts.entry((topic, partition)).or_default().insert(offset, record);
    }
    let part = |((topic, partition), records): (_, BTreeMap<_, _>)| Part {
        partition: TopicPartition { topic, partition },
        records: Records::At(records.into_iter().collect()),
    };
    run(parts.into_iter().map(part).collect(), app, always_stops)
}

fn run(parts: Vec<Part>, app: App, always_stops: bool) -> Result<Report, Error> {
    let config = Config::builder().brokers("memory:9092").build().map_err(Error::from)?;
    let runtime = Arc::new(OneThread::new());
    let source = Shelf::new(parts, &runtime);
    let launch = Launch { always_stops, mode: Mode::UntilEnd, ..app.build(&config)?.into_launch() };
    let prepared = engine::prepare(launch, &Connected(Arc::clone(&source)), Arc::clone(&runtime) as _);
    let (station, handle) = prepared?;
    let mut turner = Turner::new(Arc::clone(&station), source);
    while turner.turn() {}
    station.finish(None);
    runtime.block_on(handle.join())
}
