//! Makes an engine of a pipeline: makes the checks that need a broker, and puts the parts together.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::channel},
    time::Duration,
};

use healer_store::{MemoryStore, StoreError};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    Connect, Launch, Mode, Station,
    assign::{self, Lookup, Route},
    begun::{self, Begun},
    committer::Committer,
    control::Control,
    ends,
    handle::Handle,
    lanes::Lanes,
    lookups::{Asker, Requests},
    no_thread,
    patience::ride_out,
    rounds::{Assignments, Driver, Reporting},
    saver::{Saver, close_unused},
    waits::Reasons,
    workers::LaneWorkers,
};
use crate::{
    broker::{Broker, Producer, TopicPartition, Topics},
    config::{Config, Start},
    engine::core::{Core, Goal, Settings},
    envelope::Desk,
    error::Error,
    journal::{Journal, Scope},
    lane::{Checkpoints, Memory, Runtime, Sends, Shared, Sharing},
    observe::{Measures, Meters, Tracing},
    reports::Reports,
    topology::{NodeKind, Nodes, OnError},
};

/// An engine whose threads are not started, and the user's handle on it.
pub(crate) type Prepared<B> = (Arc<Station<B>>, Handle);

/// Makes the checks that need a broker, and joins the group. A broker that is dropped on the way leaves by itself; the store is closed.
pub(crate) fn prepare<C: Connect>(
    launch: Launch,
    connect: &C,
    runtime: Arc<dyn Runtime>,
) -> Result<Prepared<C::Broker>, Error> {
    let store = Arc::clone(&launch.store);
    check_and_join(launch, connect, runtime).inspect_err(|_| close_unused(&*store))
}

fn check_and_join<C: Connect>(
    launch: Launch,
    connect: &C,
    runtime: Arc<dyn Runtime>,
) -> Result<Prepared<C::Broker>, Error> {
    let (wait, patience) = (launch.config.connect_timeout(), connect.patience(&launch.config));
    let topics: Vec<Topics> = launch.sources.iter().map(|(_, topics, _)| topics.clone()).collect();
    let mut broker = connect.broker(&launch.config)?;
    let remote = broker.remote();
    let partitions = ride_out(patience, false, || Ok(remote.partitions(&topics, wait)?))?;
    let producer = producer(&launch, connect, wait)?;
    let cluster = remote.cluster_id(wait);
    let journal = Arc::new(ride_out(patience, false, || Ok(journal(&launch, cluster.clone())?))?);
    let begun = match launch.config.start() {
        Start::Latest => ride_out(patience, true, || begun::look(&*remote, &topics, &partitions, wait))?,
        _ => Begun::new(),
    };
    let goals = match launch.mode {
        Mode::Forever => None,
        Mode::UntilEnd => {
            let lookup = Lookup {
                remote: &*remote,
                journal: &Arc::downgrade(&journal),
                config: &launch.config,
                begun: &begun,
                keeps: false,
            };
            Some(ride_out(patience, true, || assign::goals(&lookup, &partitions))?)
        }
    };
    broker.subscribe(&topics)?;
    let handle_journal = Arc::clone(&journal);
    let mut driver = assemble(launch, broker, producer, journal, goals, &runtime)?;
    driver.assignments.begun = begun;
    let handle = Handle::new(Arc::clone(&driver.control), handle_journal, Arc::clone(&driver.remote));
    Ok((Arc::new(Station::new(driver, runtime)), handle))
}

/// The journal of this pipeline in this group of this cluster, and of no other.
fn journal(launch: &Launch, cluster: Option<String>) -> Result<Journal, StoreError> {
    let group = launch.config.group().unwrap_or(&launch.name);
    let Some(cluster) = cluster else {
        tracing::warn!(
            "the brokers tell no id of their cluster, so nothing that was kept for an earlier run can be believed: after each start \
             records that were done above the committed offsets run again, and checkpoints are kept in memory only"
        );
        let scope = Scope::new(Uuid::now_v7(), group, &launch.name);
        return Journal::open(Arc::new(MemoryStore::new()), scope);
    };
    let journal = Journal::open(Arc::clone(&launch.store), Scope::new(cluster, group, &launch.name))?;
    let rows = journal.drop_rows_before_scopes()?;
    if rows > 0 {
        tracing::warn!(
            rows,
            "the store holds rows of an earlier version of healer, which did not keep clusters and groups apart; they are removed, since \
             nobody knows whose they are. Records that were done above the committed offsets may run again, and checkpoints begin anew"
        );
    }
    Ok(journal)
}

fn traces(name: &str, config: &Config) -> Tracing {
    let traces = Tracing::of_process(name, config.group());
    if config.traces().enabled && !traces.is_on() {
        tracing::warn!(
            "traces are asked for (HEALER_TRACES), and nobody sends them: call `healer::observe::init_traces` before the \
             pipeline is started (feature `opentelemetry`)"
        );
    }
    traces
}

fn assemble<B: Broker>(
    launch: Launch,
    broker: B,
    producer: Option<Arc<dyn Producer>>,
    journal: Arc<Journal>,
    goals: Option<BTreeMap<TopicPartition, Goal>>,
    runtime: &Arc<dyn Runtime>,
) -> Result<Driver<B>, Error> {
    let Launch { name, graph, on_error, sources, states, config, reporter, always_stops, .. } = launch;
    let in_flight = config.in_flight();
    let desk = Arc::new(Desk::new(in_flight));
    let (flush, flush_signal) = watch::channel(false);
    let traces = traces(&name, &config);
    let reports = Reports::new(reporter);
    let sends = Arc::new(Sends::new(config.late_after(), producer.as_ref()));
    let shared = Shared::new(Sharing {
        pipeline: name.clone(),
        runtime: Arc::clone(runtime),
        states,
        desk: Arc::clone(&desk),
        producer,
        sends,
        in_flight,
        flush: flush_signal,
        nodes: Nodes::new(graph.clone(), on_error, reports.is_on()).always_stop(always_stops),
        checkpoints: Checkpoints::new(config.checkpointing()),
        measures: Measures::new(&name, &graph, config.measures()),
        reports,
        traces,
    });
    let memory = Arc::new(Memory::new(config.memory_budget(), runtime.held()));
    let settings = Settings {
        scope: journal.scope().clone(),
        commit_interval: config.commit_interval(),
        drain_budget: config.drain_budget(),
        in_flight: in_flight as u64,
        metadata_max_bytes: config.metadata_max_bytes(),
        memory: Arc::clone(&memory),
        stall_after: config.stall_after(),
        held_back_after: config.held_back_after(),
        saves_first: graph.saves_first(config.checkpointing()),
    };
    let paths = graph.clone();
    let paths = Arc::new(move |node| paths.path(node));
    let core = Core::new(settings, goals.clone(), paths, runtime.now());
    let has_patterns = sources.iter().any(|(_, topics, _)| matches!(topics, Topics::Pattern(_)));
    let reasons = Reasons::new(&config, has_patterns);
    let control = Arc::new(Control::new(core, &shared, reasons, config.unreachable_after()));
    let routes = sources.into_iter().map(|(node, topics, entry)| Route::new(node, &topics, entry));

    let remote = broker.remote();
    let (answer, answers) = channel();
    let worker = |name: &str| runtime.worker(name).map_err(|error| no_thread(&error));
    let lane_threads = (1..=config.threads()).filter(|_| config.threads() > 1);
    let lane_workers = lane_threads.map(|number| worker(&format!("healer-lanes-{number}")));
    let lane_workers = lane_workers.collect::<Result<Vec<_>, _>>()?;
    let lane_workers = (!lane_workers.is_empty())
        .then(|| LaneWorkers::new(lane_workers, Arc::clone(runtime), answer.clone(), Arc::clone(&desk)));
    let reporting = Reporting::new(Meters::new(&name, &graph));
    let asker = Asker {
        runtime: Arc::clone(runtime),
        remote: Arc::clone(&remote),
        answers: answer.clone(),
        desk: Arc::clone(&desk),
        starts: worker("healer-starts")?,
        others: None,
    };
    Ok(Driver {
        lane_workers,
        broker,
        lanes: Lanes::new(Arc::clone(&control), Arc::clone(&memory)),
        assignments: Assignments::new(routes.collect::<Result<_, _>>()?),
        committer: Committer {
            worker: worker("healer-commit")?,
            remote: Arc::clone(&remote),
            answers: answer.clone(),
            desk,
        },
        // The last part that can be missing: from here on it closes the store.
        saver: Saver::new(
            worker("healer-store")?,
            Arc::clone(runtime),
            Arc::clone(&journal),
            answer,
            Arc::clone(&control.saves),
            Arc::clone(&control.desk),
        ),
        requests: Requests::new(asker, ends::FIRST),
        remote,
        shared: Arc::new(shared),
        control,
        config,
        graph,
        journal,
        answers,
        flush,
        settled: Vec::new(),
        reporting,
        memory,
        goals,
    })
}

fn producer<C: Connect>(
    launch: &Launch,
    connect: &C,
    wait: Duration,
) -> Result<Option<Arc<dyn Producer>>, Error> {
    let patience = connect.patience(&launch.config);
    let nodes = &launch.graph.nodes;
    let sinks = nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Sink { topic, .. } => Some(topic.as_ref()),
        _ => None,
    });
    let on_error = nodes.iter().filter_map(|node| node.on_error.as_ref()).chain([&launch.on_error]);
    let dead_letters = on_error.filter_map(OnError::dead_letter_topic).map(Some);
    let mut producer = None;
    for topic in sinks.chain(dead_letters) {
        let producer = match &mut producer {
            Some(producer) => producer,
            none => none.insert(connect.producer(&launch.config)?),
        };
        if let Some(topic) = topic {
            ride_out(patience, true, || Ok(producer.check_topic(topic, wait)?))?;
        }
    }
    Ok(producer)
}
