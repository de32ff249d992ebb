//! What is simulated, and whether it fits the pipeline.

use std::{fmt::Display, sync::atomic::AtomicBool};

use super::{Passed, world};
use crate::{
    App, ConfigBuilder,
    broker::{Pattern, Topics},
    testing::TestRecord,
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
        for (at, record) in records.enumerate() {
            if let Some(partition) = record.partition {
                assert!(
                    usize::try_from(partition).is_ok_and(|partition| partition < partitions),
                    "record {at} of topic `{name}` is for partition {partition}, and the topic has the partitions 0 to {}",
                    partitions - 1
                );
            }
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
        let config = (self.config)(world::base_config()).build().unwrap_or_else(|error| wrong(&error));
        let app = (self.build)(&(self.shared)()).store(std::sync::Arc::new(healer_store::MemoryStore::new()));
        let graph = app.build(&config).unwrap_or_else(|error| wrong(&error)).into_launch().graph;
        let faults = self.misfits(&graph);
        assert!(faults.is_empty(), "the simulation does not fit the pipeline: {}", faults.join("; "));
    }

    fn misfits(&self, graph: &Graph) -> Vec<String> {
        let mut faults = Vec::new();
        let mut read = vec![false; self.topics.len()];
        let mut read_all = |reads: &dyn Fn(&str) -> bool| {
            let mut found = false;
            for ((topic, _), read) in self.topics.iter().zip(&mut read) {
                let reads = reads(topic);
                *read |= reads;
                found |= reads;
            }
            found
        };
        for node in &graph.nodes {
            let path = &node.path;
            match &node.kind {
                NodeKind::Source { topics: Topics::Named(names), .. } => {
                    for name in names.iter().filter(|name| !read_all(&|topic| topic == &***name)) {
                        faults.push(format!(
                            "`{path}` reads topic `{name}`, which the simulation lacks: add it with \
                             `Simulation::topic(\"{name}\", …)`"
                        ));
                    }
                }
                NodeKind::Source { topics: Topics::Pattern(text), .. } => {
                    if let Ok(pattern) = Pattern::new(text)
                        && !read_all(&|topic| pattern.is(topic))
                    {
                        faults.push(format!(
                            "`{path}` reads topics like `{text}`, and the simulation has none"
                        ));
                    }
                }
                NodeKind::Sink { topic: Some(topic), .. } if !self.has(topic) => {
                    faults.push(format!(
                        "`{path}` writes to topic `{topic}`, which the simulation lacks: add it with \
                         `Simulation::sink(\"{topic}\")`"
                    ));
                }
                _ => {}
            }
        }
        let unread = self.topics.iter().zip(&read).filter(|(_, read)| !**read);
        faults.extend(unread.map(|((topic, _), _)| format!("nothing in the pipeline reads topic `{topic}`")));
        faults
    }
}
