//! What a running pipeline knows of its nodes: their paths, what they do about failures, and what must be kept for that.

use std::{collections::HashSet, sync::Arc};

use super::{Graph, Node, NodeKind};
use crate::{broker::Topics, envelope::Copies, operators::OnError};

/// The nodes of a running pipeline.
pub(crate) struct Nodes {
    graph: Graph,
    /// What those do about failures that say nothing.
    on_error: OnError,
    /// Whether the pipeline stops whatever its nodes say.
    always_stops: bool,
    /// Nodes at or below which a record may become a dead letter.
    keepers: HashSet<u32>,
    /// Sinks that records without a value come to.
    tombstones: HashSet<u32>,
}

impl Nodes {
    /// `keep_all` where what fails is reported, wherever that is.
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
        Self { graph, on_error, always_stops: false, keepers, tombstones }
    }

    /// The pipeline stops at the first failure, whatever its nodes say.
    pub(crate) fn always_stop(mut self, always_stops: bool) -> Self {
        self.always_stops = always_stops;
        self
    }

    /// The nodes whose records go to this topic when they fail, by path, each with the topics that its records are read from.
    pub(crate) fn bury_in(graph: &Graph, on_error: &OnError, topic: &str) -> Vec<(Arc<str>, Vec<Topics>)> {
        let is_grave = |node: &&Arc<Node>| {
            let grave = node.on_error.as_ref().unwrap_or(on_error).dead_letter_topic();
            grave.is_some_and(|grave| **grave == *topic)
        };
        let reads = |node: &Arc<Node>| {
            let topics = graph.above(node.id).filter_map(|node| match &node.kind {
                NodeKind::Source { topics, .. } => Some(topics.clone()),
                _ => None,
            });
            (Arc::clone(&node.path), topics.collect())
        };
        graph.nodes.iter().filter(is_grave).map(reads).collect()
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn path(&self, node: u32) -> Arc<str> {
        self.graph.path(node)
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

    /// What is kept of the records of a source beside their values.
    pub(crate) fn copies(&self, source: u32) -> Copies {
        let is_sink = |node: &Arc<Node>| matches!(node.kind, NodeKind::Sink { .. });
        let comes_from = |node: &Arc<Node>| self.graph.above(node.id).any(|above| above.id == source);
        let sent = self.graph.nodes.iter().any(|node| is_sink(node) && comes_from(node));
        Copies { original: self.keeps_originals(source), sent }
    }

    /// Whether the record as it came in must be kept where it waits for this node.
    pub(crate) fn keeps_originals(&self, node: u32) -> bool {
        self.keepers.contains(&node)
    }
}
