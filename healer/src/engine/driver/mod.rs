//! Carries out the core's actions with threads and tokio. Nothing else in healer starts a thread or a task.

mod act;
mod assign;
mod committer;
mod control;
mod finish;
mod handle;
mod health;
mod lanes;
mod poll;
mod saver;
mod tokio_runtime;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use healer_store::{Journal, StoreError};
use tokio::{runtime, sync::watch};

pub use handle::{Commits, CommittedOffset, Handle};
pub use health::{Health, Phase};

use self::{
    assign::Route, committer::Committer, control::Control, lanes::Lanes, poll::Poller, saver::Saver,
    tokio_runtime::TokioRuntime,
};
use super::{
    Shared,
    core::{Core, Goal, Settings},
};
use crate::{
    app::Error,
    broker::{Broker, BrokerError, BrokerErrorKind, CommitError, Producer, Remote, TopicPartition, Topics},
    config::Config,
    envelope::Desk,
    error::panic_message,
    observe::Meters,
    operators::Entry,
    topology::{Graph, NodeKind, States},
};

/// An answer from one of the engine's own threads.
pub(crate) enum Message {
    Committed(Result<(), CommitError>),
    Store(StoreError),
    /// What the group has committed for partitions of others.
    Group(Result<BTreeMap<TopicPartition, i64>, BrokerError>),
}

/// How long to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Until it is stopped.
    Forever,
    /// Until what the group has committed reaches the end offsets of the start.
    UntilEnd,
}

/// A pipeline that was built and found right.
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) graph: Graph,
    pub(crate) sources: Vec<(Topics, Arc<dyn Entry>)>,
    pub(crate) states: States,
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn healer_store::Store>,
    pub(crate) mode: Mode,
}

/// How to reach a broker; the seam at which the engine meets another than Kafka.
pub(crate) trait Connect: Send + 'static {
    type Broker: Broker;
    fn broker(&self, config: &Config) -> Result<Self::Broker, BrokerError>;
    fn producer(&self, config: &Config) -> Result<Arc<dyn Producer>, BrokerError>;
}

/// Connects, checks what only a broker knows, and starts the poll thread.
pub(crate) async fn launch<C: Connect>(launch: Launch, connect: C) -> Result<Handle, Error> {
    let runtime = runtime::Handle::current();
    let start = move || start(launch, &connect, runtime);
    // Looking up topics and offsets blocks.
    match tokio::task::spawn_blocking(start).await {
        Ok(handle) => handle,
        Err(panic) => Err(Error::Engine(panic.to_string())),
    }
}

/// Checks what only a broker knows. A broker that is dropped on the way leaves by itself.
fn start<C: Connect>(launch: Launch, connect: &C, runtime: runtime::Handle) -> Result<Handle, Error> {
    let began = Instant::now();
    let wait = launch.config.connect_timeout();
    let topics: Vec<Topics> = launch.sources.iter().map(|(topics, _)| topics.clone()).collect();
    let mut broker = connect.broker(&launch.config)?;
    let remote = broker.remote();
    let partitions = soon(wait, || remote.partitions(&topics, wait))?;
    let producer = producer(&launch.graph, connect, &launch.config, wait)?;
    let journal = Arc::new(Journal::open(Arc::clone(&launch.store), &launch.name)?);
    let goals = match launch.mode {
        Mode::Forever => None,
        Mode::UntilEnd => Some(goals(&*remote, &journal, &launch.config, &partitions, wait)?),
    };
    broker.subscribe(&topics)?;
    spawn(launch, broker, producer, journal, goals, runtime, began)
}

/// Starts the engine's threads.
fn spawn<B: Broker>(
    launch: Launch,
    broker: B,
    producer: Option<Arc<dyn Producer>>,
    journal: Arc<Journal>,
    goals: Option<BTreeMap<TopicPartition, Goal>>,
    runtime: runtime::Handle,
    began: Instant,
) -> Result<Handle, Error> {
    let Launch { name, graph, sources, states, config, .. } = launch;
    let in_flight = config.in_flight();
    let desk = Arc::<Desk>::default();
    let (hurry, patience) = watch::channel(false);
    let runtime = Arc::new(TokioRuntime(runtime));
    let shared = Shared::new(runtime, Arc::new(states), Arc::clone(&desk), producer, in_flight, patience);
    let settings = Settings {
        commit_interval: config.commit_interval(),
        drain_budget: config.drain_budget(),
        in_flight: in_flight as u64,
    };
    let paths = graph.clone();
    let paths = Arc::new(move |node| paths.path(node));
    let core = Core::new(settings, goals.clone(), paths, began.elapsed());
    let control = Control::new(core, began, Arc::clone(&desk), Arc::clone(&shared.checkpoints));
    let control = Arc::new(control);
    let routes = sources.into_iter().map(|(topics, entry)| Route::new(&topics, entry));

    let remote = broker.remote();
    let (answer, answers) = channel();
    let thread_error = |error: std::io::Error| Error::Engine(format!("no thread could be started: {error}"));
    let mut poller = Poller {
        broker,
        lanes: Lanes::new(Arc::clone(&control), in_flight),
        routes: routes.collect::<Result<_, _>>()?,
        committer: Committer::start(Arc::clone(&remote), answer.clone(), desk).map_err(thread_error)?,
        saver: Saver::start(Arc::clone(&journal), answer.clone()).map_err(thread_error)?,
        remote: Arc::clone(&remote),
        shared: Arc::new(shared),
        control: Arc::clone(&control),
        config,
        graph,
        journal: Arc::clone(&journal),
        answer,
        answers,
        asking: false,
        hurry,
        slots: Vec::new(),
        generations: 0,
        unanswered: Vec::new(),
        settled: Vec::new(),
        looked: began,
        meters: Meters::new(&name),
    };
    let handle = Handle::new(Arc::clone(&control), journal, remote);
    let body = move || {
        let ran = catch_unwind(AssertUnwindSafe(|| poller.run()));
        let panic = ran.err().map(|panic| Error::Engine(panic_message(&*panic)));
        // It drops what the user's closures hold: whoever waits for the end must hear of a panic there as well.
        let finish = || finish::finish(poller, panic, goals.as_ref(), began);
        let result = catch_unwind(AssertUnwindSafe(finish))
            .unwrap_or_else(|panic| Err(Error::Engine(panic_message(&*panic))));
        control.ended.send_replace(Some(result));
    };
    thread::Builder::new().name(format!("healer-{name}")).spawn(body).map_err(thread_error)?;
    Ok(handle)
}

/// How long a topic may be unknown at the start: brokers hear of a new one a moment after whoever made it.
const NEW_TOPIC: Duration = Duration::from_secs(2);

fn soon<T>(wait: Duration, ask: impl Fn() -> Result<T, BrokerError>) -> Result<T, BrokerError> {
    let until = Instant::now() + NEW_TOPIC.min(wait);
    let passes = [BrokerErrorKind::UnknownTopic, BrokerErrorKind::Transient];
    loop {
        match ask() {
            Err(error) if passes.contains(&error.kind) && Instant::now() < until => {
                thread::sleep(Duration::from_millis(100));
            }
            result => return result,
        }
    }
}

fn producer<C: Connect>(
    graph: &Graph,
    connect: &C,
    config: &Config,
    wait: Duration,
) -> Result<Option<Arc<dyn Producer>>, Error> {
    let sinks = graph.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Sink { topic, .. } => Some(topic),
        _ => None,
    });
    let mut producer = None;
    for topic in sinks {
        let producer = match &mut producer {
            Some(producer) => producer,
            none => none.insert(connect.producer(config)?),
        };
        if let Some(topic) = topic {
            soon(wait, || producer.check_topic(topic, wait))?;
        }
    }
    Ok(producer)
}

/// The end offsets of all partitions, and which of them are reached already.
fn goals(
    remote: &dyn Remote,
    journal: &Journal,
    config: &Config,
    partitions: &[TopicPartition],
    wait: Duration,
) -> Result<BTreeMap<TopicPartition, Goal>, Error> {
    let starts = assign::starts(remote, journal, config, partitions, wait)?;
    let mut goals = BTreeMap::new();
    for (partition, start) in partitions.iter().zip(starts) {
        let marks = remote.watermarks(partition, wait)?;
        // What was chosen is committed first, or the next run would choose again and miss what came between.
        let reached = !start.commit && (marks.first >= marks.end || start.offset >= marks.end);
        goals.insert(partition.clone(), Goal { start: start.offset, end: marks.end, reached });
    }
    Ok(goals)
}
