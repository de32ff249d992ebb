//! A pipeline over records that are in memory already: [`InMemory`].

mod broker;
mod outbox;
mod records;
mod runtime;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::{
    broker::{Connected, Shelf},
    outbox::{Outbox, Void},
    records::{Part, Records},
    runtime::OneThread,
};
use super::{Received, TestRecord, fit};
use crate::{
    App, BuildError, Config, Context, Error, Report,
    broker::{Producer, TopicPartition},
    engine::{self, Launch, Mode, PollLoop},
};

/// Runs a pipeline over records that are in memory already: the very engine of production, with ledger, commits and store, on the
/// calling thread alone, without a broker, and with a clock that goes on only where all wait: a retry that pauses for ten seconds
/// costs no time.
///
/// For a test [`run_once`](Self::run_once) gives each record to the pipeline once, and [`sent`](Self::sent) shows the records of
/// sinks and dead letters:
///
/// ```
/// use healer::{prelude::*, testing::InMemory};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize)]
/// struct Order { cents: u64 }
///
/// #[stage(skip = "free")]
/// fn bill(order: Order) -> Option<Order> {
///     (order.cents > 0).then_some(Order { cents: order.cents * 2 })
/// }
///
/// let app = pipeline! {
///     name "bills";
///     orders = kafka::json::<Order>("orders").on_error(OnError::dead_letter("bad-orders"));
///     orders => bill => kafka::to_json("bills") => heal;
/// };
/// let orders = InMemory::new("orders", 2, [r#"{"cents":21}"#, r#"{"cents":0}"#, "no order"]);
/// let report = orders.run_once(app)?;
///
/// assert_eq!((report.healed, report.skipped["free"], report.dead_lettered), (1, 1, 1));
/// assert_eq!(orders.sent("bills")[0].json::<Order>()?.cents, 42);
/// assert_eq!(orders.sent("bad-orders")[0].text()?, "no order");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// [`run`](Self::run) goes round and round the records, for as long as is asked for, and throws away the records of sinks. Only
/// healer's own work on a record is left, and that is the same each time: `run` is meant for counting instructions and
/// allocations, and for profilers.
///
/// Neither shows anything about delivery, since nothing ever goes wrong here: [`Simulation`](super::Simulation) is for that. Sinks
/// and dead letters are acknowledged at once. A `blocking` stage has threads of its own here too, and with it counts differ a
/// little. A stage that waits for something that never comes makes a run that never ends: give it a `timeout`, which takes no
/// time here. Batches that are larger than a pipeline's default `in_flight` raise that.
#[derive(Debug)]
pub struct InMemory {
    topics: Vec<Topic>,
    /// Of the last `run_once`.
    outbox: Mutex<Arc<Outbox>>,
}

#[derive(Debug)]
struct Topic {
    name: Arc<str>,
    partitions: usize,
    records: Arc<[TestRecord]>,
}

impl InMemory {
    /// A topic and its records.
    ///
    /// # Panics
    /// If there is no partition or no record, or a record names a partition that the topic does not have.
    pub fn new<R: Into<TestRecord>>(
        topic: &str,
        partitions: usize,
        records: impl IntoIterator<Item = R>,
    ) -> Self {
        let new = Self { topics: Vec::new(), outbox: Mutex::default() }.topic(topic, partitions, records);
        assert!(!new.topics[0].records.is_empty(), "without a record there is nothing to run");
        new
    }

    /// One more topic and its records, for a pipeline that reads several. A topic that the pipeline reads and that is not given here
    /// has no records.
    ///
    /// # Panics
    /// If there is no partition, a record names a partition that the topic does not have, or the topic was given before.
    pub fn topic<R: Into<TestRecord>>(
        mut self,
        topic: &str,
        partitions: usize,
        records: impl IntoIterator<Item = R>,
    ) -> Self {
        assert!(partitions > 0, "topic `{topic}` needs a partition at least");
        assert!(self.topics.iter().all(|known| &*known.name != topic), "topic `{topic}` was given twice");
        let records: Arc<[TestRecord]> = records.into_iter().map(Into::into).collect();
        (0..).zip(records.iter()).for_each(|(number, record)| record.must_fit(number, topic, partitions));
        self.topics.push(Topic { name: topic.into(), partitions, records });
        self
    }

    /// Runs a pipeline over each record once, and ends when all are committed. [`sent`](Self::sent) then shows the records that
    /// it sent, also where it failed.
    ///
    /// A record goes to the [`partition`](TestRecord::partition) that it names, else where its key belongs, else to one after the
    /// other. Its time is the one that it names, else its offset in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`App::run_until_end`](crate::App::run_until_end), without the errors of a broker; and [`Error::Build`] where the
    /// pipeline does not read a topic that was given here.
    ///
    /// # Panics
    /// If it is called within a tokio runtime: it has one of its own.
    pub fn run_once(&self, app: App) -> Result<Report, Error> {
        let outbox = Arc::new(Outbox::of(app.graph()));
        *self.outbox() = Arc::clone(&outbox);
        let parts = self.topics.iter().flat_map(Topic::once).collect();
        run(parts, app, false, outbox)
    }

    /// The records that the pipeline sent to a topic, as a sink or as a dead letter, in the last [`run_once`](Self::run_once): in
    /// the order of sending, which their offsets count; all in partition 0.
    ///
    /// # Panics
    /// If no sink and no failure policy of that pipeline names the topic, none chooses topics by record, and nothing was sent there:
    /// the name is wrong.
    pub fn sent(&self, topic: &str) -> Vec<Received> {
        let outbox = Arc::clone(&self.outbox());
        outbox.sent(topic)
    }

    fn outbox(&self) -> MutexGuard<'_, Arc<Outbox>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a pipeline over `count` records, evenly over all partitions, and ends when all are committed. Each partition goes
    /// round and round the records of its topic, regardless of their keys. The records of sinks are thrown away.
    ///
    /// ```
    /// use healer::{prelude::*, testing::InMemory};
    ///
    /// let app = App::new("lines").chain(kafka::text("lines").stream("lines").map(|line| line.len()).heal());
    /// let report = InMemory::new("lines", 4, ["one", "two", "three"]).run(app, 10_000)?;
    /// assert_eq!(report.healed, 10_000);
    /// # Ok::<_, healer::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run_once`](Self::run_once).
    ///
    /// # Panics
    /// If it is called within a tokio runtime: it has one of its own.
    pub fn run(&self, app: App, count: u64) -> Result<Report, Error> {
        let all = self.topics.iter().filter(|topic| !topic.records.is_empty());
        let all = all.flat_map(|topic| (0..topic.partitions).map(move |partition| (topic, partition)));
        let all: Vec<_> = all.collect();
        let partitions = all.len() as u64;
        let part = |(place, (topic, partition)): (u64, (&Topic, usize))| {
            let share = (count + partitions - 1 - place) / partitions;
            let records = Arc::clone(&topic.records);
            topic.part(partition, Records::Round(records, i64::try_from(share).unwrap_or(i64::MAX)))
        };
        run((0..).zip(all).map(part).collect(), app, false, Arc::new(Void))
    }
}

impl Topic {
    fn part(&self, partition: usize, records: Records) -> Part {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        Part { partition: TopicPartition { topic: Arc::clone(&self.name), partition }, records }
    }

    /// Its partitions, with each record once.
    fn once(&self) -> Vec<Part> {
        let mut parts = vec![Vec::new(); self.partitions];
        let mut last = self.partitions - 1;
        for record in self.records.iter() {
            let part =
                &mut parts[usize::try_from(record.place(self.partitions, &mut last)).unwrap_or_default()];
            let offset = i64::try_from(part.len()).unwrap_or(i64::MAX);
            part.push((
                offset,
                TestRecord { timestamp: record.timestamp.or(Some(offset)), ..record.clone() },
            ));
        }
        let part = |(partition, records)| self.part(partition, Records::At(records));
        parts.into_iter().enumerate().map(part).collect()
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
    /// The context that a stage gets with it.
    pub(super) fn context(&self) -> Context {
        let mut context = Context::reusable(Arc::clone(&self.topic), self.partition);
        let record = self.record.at(0, self.offset);
        context.refill(&record);
        context.refill_rest(&record);
        context
    }
}

/// Runs a pipeline over records where they were, up to the first failure, regardless of its nodes' policies.
pub(super) fn run_where_they_were(
    app: App,
    records: impl IntoIterator<Item = Placed>,
) -> Result<Report, Error> {
    let mut parts: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for Placed { topic, partition, offset, record } in records {
        parts.entry((topic, partition)).or_default().insert(offset, record);
    }
    let part = |((topic, partition), records): (_, BTreeMap<_, _>)| Part {
        partition: TopicPartition { topic, partition },
        records: Records::At(records.into_iter().collect()),
    };
    run(parts.into_iter().map(part).collect(), app, true, Arc::new(Void))
}

fn run(parts: Vec<Part>, app: App, always_stops: bool, producer: Arc<dyn Producer>) -> Result<Report, Error> {
    let settings = Config::builder().brokers("memory:9092");
    let mut config = settings.clone().build()?;
    let rows = fit::largest_batch(app.graph());
    if rows > config.in_flight() {
        config = settings.in_flight(rows).build()?;
    }
    let launch = app.build(&config)?.into_launch();
    let topics: BTreeSet<&str> = parts.iter().map(|part| &*part.partition.topic).collect();
    let faults = fit::unread(&launch.graph, topics);
    if !faults.is_empty() {
        return Err(BuildError { faults }.into());
    }
    let launch = Launch { always_stops, mode: Mode::UntilEnd, ..launch };
    let runtime = Arc::new(OneThread::new());
    let source = Shelf::new(parts, &runtime);
    let connected = Connected { source: Arc::clone(&source), producer };
    let (station, handle) = engine::prepare(launch, &connected, Arc::clone(&runtime) as _)?;
    let mut poll_loop = PollLoop::new(Arc::clone(&station), source);
    while poll_loop.run_once() {}
    station.finish(None);
    runtime.block_on(handle.join())
}
