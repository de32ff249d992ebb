//! Everything that can be found wrong without a broker.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use healer_store::{Limits, MemoryStore, Store, StoreError};

use super::{
    App,
    circles::{of_ports, of_topics},
    dead_letters,
};
use crate::{
    broker::{
        BrokerError, Pattern, Producer, Topics,
        kafka::{KafkaBroker, KafkaProducer},
    },
    config::Config,
    engine::{Connect, Handle, Launch, Leash, Mode, launch},
    error::{BuildError, Error},
    lane::Entry,
    topology::{Description, Graph, Node, NodeKind, OnError, States},
};

/// A pipeline that was checked and has its store open; it runs when it is started.
#[must_use = "a pipeline does nothing until it is started"]
pub struct Built {
    launch: Launch,
}

impl Built {
    pub(super) fn new(app: App, config: Config) -> Result<Self, Error> {
        let App { name, mut graph, entries, states, store, mut on_error, reporter } = app;
        let open = dead_letters::settle(&mut graph, &mut on_error, &config);
        dead_letters::warn_of_strangers(&name, &graph, &on_error, &config);
        let mut faults = faults(&graph, &on_error, &states, &config);
        faults.extend(open);
        faults.extend(branches_alone(&entries));
        if !faults.is_empty() {
            return Err(BuildError { faults }.into());
        }
        let sources = entries.into_iter().filter_map(|(node, entry)| match &node.kind {
            NodeKind::Source { topics, .. } => Some((node.id, topics.clone(), entry)),
            // A chain behind a port is reached through the port.
            _ => None,
        });
        let sources = sources.collect();
        let store = match store {
            Some(store) => store,
            None => open_store(&config)?,
        };
        let config = config.with_default_group(&name);
        Ok(Self {
            launch: Launch {
                name,
                graph,
                on_error,
                sources,
                states,
                config,
                store,
                mode: Mode::Forever,
                reporter,
                always_stops: false,
            },
        })
    }

    /// The pipeline in words, as [`App::describe`], with the topics that the configuration names.
    pub fn describe(&self) -> Description {
        Description::new(&self.launch.name, self.launch.graph.clone())
    }

    /// Connects and starts.
    ///
    /// # Errors
    /// Faults that only a broker knows: no broker, unknown topics, wrong credentials.
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub async fn start(self) -> Result<Handle, Error> {
        Ok(self.leashed().await?.let_go())
    }

    /// As [`start`](Built::start), and it stops when the leash is dropped.
    pub(super) async fn leashed(self) -> Result<Leash, Error> {
        launch(self.launch, Kafka).await
    }

    /// Runs to the end offsets of now.
    pub(super) fn until_end(mut self) -> Self {
        self.launch.mode = Mode::UntilEnd;
        self
    }

    /// The parts, for another world to run.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn into_launch(self) -> Launch {
        self.launch
    }

    /// As [`start`](Built::start), and ends when the group's committed offsets reach the end offsets of now.
    ///
    /// # Errors
    /// As [`start`](Built::start).
    ///
    /// # Panics
    /// If it is not called within a tokio runtime.
    pub async fn start_until_end(self) -> Result<Handle, Error> {
        self.until_end().start().await
    }
}

struct Kafka;

impl Connect for Kafka {
    type Broker = KafkaBroker;

    fn patience(&self, config: &Config) -> Duration {
        config.start_budget()
    }

    fn broker(&self, config: &Config) -> Result<KafkaBroker, BrokerError> {
        KafkaBroker::connect(&config.consumer_properties())
    }

    fn producer(&self, config: &Config) -> Result<Arc<dyn Producer>, BrokerError> {
        Ok(Arc::new(KafkaProducer::endless(&config.producer_properties())?))
    }
}

fn open_store(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    if let Some(path) = config.store_path() {
        healer_store::in_folder(path)
    } else {
        let limits = Limits::default().max_rows(config.memory_max_len()).max_age(config.memory_max_age());
        Ok(Arc::new(MemoryStore::with_limits(limits)))
    }
}

fn faults(graph: &Graph, on_error: &OnError, states: &States, config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    if graph.nodes.is_empty() {
        faults.push("it has no chain: add one from a source to `heal` with `App::chain`".to_owned());
    }
    for node in &graph.nodes {
        faults.extend(node.faults.iter().map(|fault| format!("`{}`: {fault}", node.path)));
        faults.extend(node.needs.iter().filter(|need| !states.has(need)).map(|need| {
            let name = need.name;
            let how = if need.is_sized {
                format!("`app.with(…)`, a value of `{name}`")
            } else {
                format!("`app.with_arc::<{name}>(…)`, an `Arc<{name}>`: its size is not known")
            };
            format!("`{}` needs state of type `{name}`: give it with {how}", node.path)
        }));
        if let NodeKind::Batch { rows, .. } = node.kind {
            let bound = config.in_flight();
            if rows == 0 || rows > bound {
                faults.push(format!(
                    "`{}` gathers {rows} rows, which must be from 1 up to the {bound} records that one partition may \
                     have in flight (else a batch could never fill): change it, or raise `in_flight`",
                    node.path
                ));
            }
        }
    }
    let repeated = states.repeated().iter();
    faults.extend(
        repeated.map(|name| format!("state of type `{name}` was given twice: stages find it by type")),
    );
    faults.extend(ports(graph));
    faults.extend(topics(graph));
    faults.extend(of_topics(graph));
    faults.extend(stored_names(graph));
    faults.extend(dead_letters::that_come_again(graph, on_error));
    faults.extend(below_batches(graph));
    faults.extend(keyless_below_batches(graph));
    faults
}

/// Branches that were taken out of their fan-out and added by themselves.
fn branches_alone(entries: &[(Arc<Node>, Arc<dyn Entry>)]) -> impl Iterator<Item = String> {
    let starts = |node: &Node| matches!(node.kind, NodeKind::Source { .. } | NodeKind::Port);
    entries.iter().filter(move |(first, _)| !starts(first)).map(|(first, _)| {
        let path = &first.path;
        format!("`{path}` belongs to a branch, which begins at no source: give the chain to `fan_out` or `and`, not to `App::chain`")
    })
}

/// Nodes that would give up single records where nobody knows which record a value is of.
fn below_batches(graph: &Graph) -> Vec<String> {
    let gives_up = |node: &&Arc<Node>| {
        let own = node.on_error.as_ref().is_some_and(|on_error| *on_error != OnError::Stop);
        own && node.kind != NodeKind::BatchStage
    };
    let below = graph.nodes.iter().filter(gives_up).filter(|node| graph.is_below_batch(node.id));
    let fault = |node: &Arc<Node>| {
        format!(
            "`{}` is below a batch, where nobody knows which record a value is of: its `on_error` can only be `stop`; put it \
             before the batch or behind `unbatch()`, or make it a batch stage with `split`",
            node.path
        )
    };
    below.map(fault).collect()
}

/// Sinks that would write values of several records under the key of one.
fn keyless_below_batches(graph: &Graph) -> impl Iterator<Item = String> {
    let below = graph.nodes.iter().filter(|node| node.copies_key && graph.is_below_batch(node.id));
    below.map(|node| {
        format!(
            "`{}` writes values that were made of a batch: they are of several records and have no key. Say which key they have \
             with `.key(|value, ctx| …)`, or that they have none with `.keyless()`; rows that are to keep their records' keys go \
             on by `unbatch()`",
            node.path
        )
    })
}

fn ports(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    let fed: BTreeSet<u32> = graph.nodes.iter().filter_map(|node| node.feeds).collect();
    for node in &graph.nodes {
        if let Some(port) = node.feeds
            && graph.get(port).is_none()
        {
            faults.push(format!(
                "`{}` ends in a port whose stream is not in the app: heal the stream that `union` gave, and give it to `App::chain`",
                node.path
            ));
        }
        if node.kind == NodeKind::Port && !fed.contains(&node.id) {
            faults.push(format!(
                "nothing flows into the union `{}`: end a stream with `.to(&port)`",
                node.path
            ));
        }
    }
    faults.extend(of_ports(graph));
    faults
}

fn topics(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    let mut read: BTreeMap<&str, &str> = BTreeMap::new();
    let sources: Vec<_> = graph
        .nodes
        .iter()
        .filter_map(|node| match &node.kind {
            NodeKind::Source { topics, .. } => Some((node, topics)),
            _ => None,
        })
        .collect();
    let mut patterns = Vec::new();
    for (node, topics) in &sources {
        match topics {
            Topics::Named(names) if names.is_empty() => {
                faults.push(format!("`{}` reads an empty list of topics", node.path));
            }
            Topics::Named(names) => {
                for name in names {
                    if let Some(other) = read.insert(name, &node.path) {
                        faults.push(format!(
                            "topic `{name}` is read by `{other}` and by `{}`: bind it once and use the name twice",
                            node.path
                        ));
                    }
                }
            }
            Topics::Pattern(pattern) => match Pattern::new(pattern) {
                Ok(pattern) => patterns.push((&node.path, pattern)),
                Err(error) => faults.push(format!("`{}`: {error}", node.path)),
            },
        }
    }
    for (path, pattern) in &patterns {
        let both = read.iter().find(|(topic, _)| pattern.is(topic));
        if let Some((topic, other)) = both {
            faults.push(format!("topic `{topic}` is read by `{other}` and matches the pattern of `{path}`"));
        }
    }
    faults
}

/// The store is keyed by node names, so that inserting a stage loses nothing: they must differ.
fn stored_names(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for node in graph.nodes.iter().filter(|node| node.stores) {
        if let Some(other) = names.insert(&node.name, &node.path) {
            faults.push(format!(
                "`{other}` and `{}` both keep a checkpoint under the name `{}`: give one of them another name with \
                 `as \"…\"`",
                node.path, node.name
            ));
        }
    }
    faults
}
