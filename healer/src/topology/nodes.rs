//! The nodes as a running pipeline knows them: their paths, their policies for failures, and the data that must be kept for these.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Called, Graph, Node, NodeKind};
use crate::{broker::Topics, topology::OnError};

/// The nodes of a running pipeline.
pub(crate) struct Nodes {
    graph: Graph,
    called: HashMap<u32, Called>,
    /// The policy of nodes that have none of their own.
    on_error: OnError,
    /// Whether the pipeline stops at the first failure, against the policies of its nodes.
    always_stops: bool,
    /// Nodes at or below which a record may become a dead letter.
    keepers: HashSet<u32>,
    /// Sinks that records without a value come to.
    tombstones: HashSet<u32>,
    /// By source.
    ways: HashMap<u32, Ways>,
}

/// Where the records of a source go.
#[derive(Clone, Copy, Default)]
struct Ways {
    /// How many ways they go beside the first.
    ways: u32,
    sinks: u32,
}

/// Looked up once: a lane is opened for each partition, and chains may be long.
fn ways(graph: &Graph) -> HashMap<u32, Ways> {
    let mut children = HashMap::<u32, u32>::new();
    graph.nodes.iter().filter_map(|node| node.parent).for_each(|id| *children.entry(id).or_default() += 1);
    let mut all = HashMap::<u32, Ways>::new();
    for node in &graph.nodes {
        let more = children.get(&node.id).map_or(0, |children| children - 1);
        let sinks = u32::from(matches!(node.kind, NodeKind::Sink { .. }));
        if more + sinks > 0 {
            for above in graph.above(node.id).filter(|node| matches!(node.kind, NodeKind::Source { .. })) {
                let of_source = all.entry(above.id).or_default();
                of_source.ways += more;
                of_source.sinks += sinks;
            }
        }
    }
    all
}

impl Nodes {
    /// `keep_all`: every node is a keeper, since failures at every node are reported.
    pub(crate) fn new(graph: Graph, on_error: OnError, keep_all: bool) -> Self {
        let mut keepers = HashSet::new();
        for node in &graph.nodes {
            if keep_all || node.on_error.as_ref().unwrap_or(&on_error).dead_letter_topic().is_some() {
                graph.up_from(node.id, &mut keepers);
            }
        }
        let is_sink = |node: &&Arc<Node>| matches!(node.kind, NodeKind::Sink { .. });
        let reads_some = |node: &Arc<Node>| matches!(node.kind, NodeKind::Source { tombstones: true, .. });
        let gets_some = |node: &&Arc<Node>| graph.above(node.id).any(reads_some);
        let sinks = graph.nodes.iter().filter(is_sink).filter(gets_some);
        let tombstones = sinks.map(|node| node.id).collect();
        let ways = ways(&graph);
        let called = graph.calls();
        Self { graph, called, on_error, always_stops: false, keepers, tombstones, ways }
    }

    /// The pipeline stops at the first failure, against the policies of its nodes.
    pub(crate) fn always_stop(mut self, always_stops: bool) -> Self {
        self.always_stops = always_stops;
        self
    }

    /// The nodes whose records go to this topic when they fail, each with the topics that its records are read from.
    pub(crate) fn bury_in(graph: &Graph, on_error: &OnError, topic: &str) -> Vec<(Called, Vec<Topics>)> {
        let called = graph.calls();
        let is_grave = |node: &&Arc<Node>| {
            let grave = node.on_error.as_ref().unwrap_or(on_error).dead_letter_topic();
            grave.is_some_and(|grave| **grave == *topic)
        };
        let reads = |node: &Arc<Node>| {
            let topics = graph.above(node.id).filter_map(|node| match &node.kind {
                NodeKind::Source { topics, .. } => Some(topics.clone()),
                _ => None,
            });
            (called[&node.id].clone(), topics.collect())
        };
        graph.nodes.iter().filter(is_grave).map(reads).collect()
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn path(&self, node: u32) -> Arc<str> {
        self.graph.path(node)
    }

    /// The names of a node; a number of no node stands for the pipeline.
    pub(crate) fn called(&self, node: u32) -> Called {
        let pipeline = || Called { stage: self.path(node), path: self.path(node) };
        self.called.get(&node).cloned().unwrap_or_else(pipeline)
    }

    pub(crate) fn on_error(&self, node: u32) -> &OnError {
        if self.always_stops {
            return &OnError::Stop;
        }
        self.graph.get(node).and_then(|node| node.on_error.as_ref()).unwrap_or(&self.on_error)
    }

    /// Whether a sink writes `None` as a record without a value, though it was not told to.
    pub(crate) fn sends_tombstones(&self, sink: u32) -> bool {
        self.tombstones.contains(&sink)
    }

    /// The copies of each record of a source while it is in flight.
    pub(crate) fn copies(&self, source: u32) -> Copies {
        let Ways { ways, sinks } = self.ways.get(&source).copied().unwrap_or_default();
        Copies { values: 1 + ways, original: self.keeps_originals(source), sent: sinks.min(1 + ways) }
    }

    /// Whether the record as it came in must be kept where it waits for this node.
    pub(crate) fn keeps_originals(&self, node: u32) -> bool {
        self.keepers.contains(&node)
    }
}

/// The copies of a record while it is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copies {
    /// Its value, on each way that it goes.
    pub(crate) values: u32,
    /// The record as it came in, for a dead letter.
    pub(crate) original: bool,
    /// Records that sinks made of it, with the producer.
    pub(crate) sent: u32,
}

impl Copies {
    /// Of a record that goes one way.
    pub(crate) const ONE: Self = Self { values: 1, original: false, sent: 0 };

    pub(crate) fn count(self) -> u64 {
        u64::from(self.values) + u64::from(self.original) + u64::from(self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::Nodes;
    use crate::{
        App, OnError, kafka,
        topology::{Copies, NodeKind},
    };

    /// The copies of records of the app's first source.
    fn copies(app: &App, on_error: OnError) -> Copies {
        let graph = app.graph().clone();
        let is_source = |kind: &NodeKind| matches!(kind, NodeKind::Source { .. });
        let source = graph.nodes.iter().find(|node| is_source(&node.kind)).expect("it has one").id;
        Nodes::new(graph, on_error, false).copies(source)
    }

    fn names(app: &App) -> Vec<(String, String)> {
        let calls = app.graph().calls();
        let named = app.graph().nodes.iter().filter(|node| node.kind != NodeKind::Heal);
        named.map(|node| (calls[&node.id].stage.to_string(), calls[&node.id].path.to_string())).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(stage, path)| ((*stage).to_owned(), (*path).to_owned())).collect()
    }

    #[test]
    fn a_stage_that_is_put_in_between_changes_no_name_but_paths() {
        let lines = || kafka::text("in").stream("lines");
        let before = App::new("p").chain(lines().map(|line: String| line).named("charge").heal());
        assert_eq!(names(&before), pairs(&[("lines", "lines"), ("charge", "lines.charge")]));
        let between = lines().map(|line: String| line).named("check");
        let after = App::new("p").chain(between.map(|line: String| line).named("charge").heal());
        let wanted = [("lines", "lines"), ("check", "lines.check"), ("charge", "lines.check.charge")];
        assert_eq!(names(&after), pairs(&wanted));
    }

    #[test]
    fn no_two_nodes_have_one_name_but_a_checkpoint_and_its_stage() {
        let stream = |name: &'static str| {
            kafka::text(name).stream(name).map(|line: String| line).checkpoint().map(|line: String| line)
        };
        let odd = kafka::text("c").stream("c").map(|line: String| line).named("map#3");
        let app = App::new("p").chain(stream("a").heal()).chain(odd.heal()).chain(stream("b").heal());
        let wanted = [
            ("a", "a"),
            ("map", "a.map"),
            ("map", "a.map"),
            ("map#2", "a.map.map#2"),
            ("c", "c"),
            ("map#3", "c.map#3"),
            ("b", "b"),
            ("map#4", "b.map"),
            ("map#4", "b.map"),
            ("map#5", "b.map.map#2"),
        ];
        assert_eq!(names(&app), pairs(&wanted));
    }

    #[test]
    fn how_many_copies_there_are_of_a_record_is_known_from_where_it_goes() {
        let lines = || kafka::text("in").stream("lines");
        let plain = App::new("p").chain(lines().map(|line: String| line.len()).heal());
        assert_eq!(copies(&plain, OnError::Stop), Copies::ONE);
        let letters = copies(&plain, OnError::dead_letter("dead"));
        assert_eq!(letters, Copies { values: 1, original: true, sent: 0 });
        let sink = |topic: &'static str| kafka::to_text(topic);
        let in_turn = App::new("p").chain(lines().then(sink("a")).then(sink("b")).heal());
        assert_eq!(
            copies(&in_turn, OnError::Stop),
            Copies { values: 1, original: false, sent: 1 },
            "one by one"
        );
        let ways = lines().fan_out(|s| s.then(sink("a")).heal()).and(|s| s.then(sink("b")).heal()).and(|s| {
            s.fan_out(|s| s.map(|line: String| line).heal()).and(|s| s.map(|line: String| line.len()).heal())
        });
        let ways = App::new("p").chain(ways).chain(kafka::text("other").stream("other").heal());
        assert_eq!(copies(&ways, OnError::Stop), Copies { values: 4, original: false, sent: 2 });
    }
}
