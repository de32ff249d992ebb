//! The plan of a simulation, and whether it fits the pipeline.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{Passed, world};
use crate::{
    App, ConfigBuilder, OnError,
    broker::Topics,
    testing::{TestRecord, fit},
    topology::{Graph, NodeKind},
};

type Check<S> = dyn Fn(&S, &Passed<'_>) -> bool + Send + Sync;

pub(super) struct Plan<S> {
    pub(super) shared: Box<dyn Fn() -> S + Send + Sync>,
    pub(super) build: Box<dyn Fn(&S) -> App + Send + Sync>,
    pub(super) config: Box<dyn Fn(ConfigBuilder) -> ConfigBuilder + Send + Sync>,
    pub(super) topics: Vec<(String, usize)>,
    pub(super) sinks: Vec<String>,
    pub(super) records: Vec<(String, TestRecord)>,
    pub(super) is_done: Option<Box<Check<S>>>,
    pub(super) processes: usize,
    pub(super) steps: u64,
    pub(super) changes_logs: bool,
    pub(super) disks_last: bool,
    /// The rows of the pipeline's largest batch.
    largest_batch: AtomicUsize,
    /// One seed is replayed: its history is printed.
    pub(super) told: AtomicBool,
}

impl<S> Plan<S> {
    pub(super) fn new(
        shared: impl Fn() -> S + Send + Sync + 'static,
        build: impl Fn(&S) -> App + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Box::new(shared),
            build: Box::new(build),
            config: Box::new(|config| config),
            topics: Vec::new(),
            sinks: Vec::new(),
            records: Vec::new(),
            is_done: None,
            processes: 3,
            steps: 1_000,
            changes_logs: true,
            disks_last: false,
            largest_batch: AtomicUsize::new(0),
            told: AtomicBool::new(false),
        }
    }

    pub(super) fn add_topic(
        &mut self,
        name: &str,
        partitions: usize,
        records: impl Iterator<Item = TestRecord>,
    ) {
        self.is_new(name);
        assert!(partitions > 0, "topic `{name}` needs a partition at least");
        self.topics.push((name.to_owned(), partitions));
        for (number, record) in records.enumerate() {
            record.must_fit(number, name, partitions);
            self.records.push((name.to_owned(), record));
        }
    }

    pub(super) fn add_sink(&mut self, name: &str) {
        self.is_new(name);
        self.sinks.push(name.to_owned());
    }

    fn has(&self, name: &str) -> bool {
        self.topics.iter().map(|(topic, _)| topic).chain(&self.sinks).any(|topic| topic == name)
    }

    fn is_new(&self, name: &str) {
        assert!(!self.has(name), "topic `{name}` was given to the simulation twice");
    }

    /// # Panics
    /// If the pipeline cannot be built, or one side has a topic that the other does not know.
    pub(super) fn check(&self) {
        let tokio = world::virtual_time();
        let _entered = tokio.enter();
        let wrong = |error: &dyn Display| -> ! { panic!("the simulated pipeline cannot be built: {error}") };
        let app = (self.build)(&(self.shared)()).store(Arc::new(healer_store::MemoryStore::new()));
        self.largest_batch.store(fit::largest_batch(app.graph()), Ordering::Relaxed);
        // With the lowest bound that may be drawn.
        let config = world::base_config().in_flight(self.in_flight(1));
        let config = (self.config)(config).build().unwrap_or_else(|error| wrong(&error));
        let launch = app.build(&config).unwrap_or_else(|error| wrong(&error)).into_launch();
        let faults = self.misfits(&launch.graph, &launch.on_error);
        assert!(faults.is_empty(), "the simulation does not fit the pipeline: {}", faults.join("; "));
    }

    /// The bounds that are drawn, raised where the pipeline could not be built with them.
    pub(super) fn in_flight(&self, drawn: usize) -> usize {
        drawn.max(self.largest_batch.load(Ordering::Relaxed))
    }

    fn misfits(&self, graph: &Graph, on_error: &OnError) -> Vec<String> {
        let mut faults = Vec::new();
        for (path, topics) in fit::sources(graph) {
            let is_given = |topics: &Topics| self.topics.iter().any(|(topic, _)| fit::reads(topics, topic));
            match topics {
                Topics::Named(names) => {
                    let lacking =
                        names.iter().filter(|name| !self.topics.iter().any(|(topic, _)| topic == &***name));
                    faults.extend(lacking.map(|name| {
                        format!(
                            "`{path}` reads topic `{name}`, which the simulation lacks: add it with \
                             `Simulation::topic(\"{name}\", …)`"
                        )
                    }));
                }
                Topics::Pattern(text) if !is_given(topics) => {
                    faults.push(format!("`{path}` reads topics like `{text}`, and the simulation has none"));
                }
                Topics::Pattern(_) => {}
            }
        }
        let mut written = Vec::new();
        for node in &graph.nodes {
            if let NodeKind::Sink { topic: Some(topic), .. } = &node.kind {
                written.push((&*node.path, "writes", topic));
            }
            written.extend(
                node.on_error
                    .iter()
                    .filter_map(OnError::dead_letter_topic)
                    .map(|topic| (&*node.path, "sends dead letters", topic)),
            );
        }
        written
            .extend(on_error.dead_letter_topic().map(|topic| ("the pipeline", "sends dead letters", topic)));
        faults.extend(written.iter().filter(|(.., topic)| !self.has(topic)).map(|(path, writes, topic)| {
            format!(
                "`{path}` {writes} to topic `{topic}`, which the simulation lacks: add it with \
                 `Simulation::sink(\"{topic}\")`"
            )
        }));
        faults.extend(fit::unread(graph, self.topics.iter().map(|(topic, _)| topic.as_str())));
        faults
    }
}
