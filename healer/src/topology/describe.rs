//! A pipeline in words and pictures.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};

use super::{Node, NodeKind};
use crate::topology::OnError;

/// The names of a node in metrics, letters and reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    /// Its own name, which no other node of the pipeline has.
    pub(crate) stage: Arc<str>,
    /// The names from its source on.
    pub(crate) path: Arc<str>,
}

impl Called {
    /// The node of this path.
    #[cfg(test)]
    pub(crate) fn at(path: &str) -> Self {
        Self { stage: path.rsplit('.').next().unwrap_or(path).into(), path: path.into() }
    }

    /// The labels of its metrics.
    pub(crate) fn labels(&self, pipeline: &str) -> [(&'static str, String); 3] {
        [
            ("pipeline", pipeline.to_owned()),
            ("stage", self.stage.to_string()),
            ("path", self.path.to_string()),
        ]
    }
}

/// The nodes of a pipeline, parents before children.
#[derive(Clone, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Arc<Node>>,
}

impl Graph {
    pub(crate) fn path(&self, id: u32) -> Arc<str> {
        self.get(id).map_or_else(|| Arc::from("pipeline"), |node| Arc::clone(&node.path))
    }

    /// Whether a node goes on after a restart with rows that it kept.
    pub(crate) fn keeps_rows(&self) -> bool {
        self.nodes.iter().any(|node| node.keeps)
    }

    /// Whether the store must have what nodes keep before an offset is committed.
    pub(crate) fn saves_first(&self, checkpointing: bool) -> bool {
        self.nodes.iter().any(|node| node.keeps || (node.stores && checkpointing))
    }

    /// The names of all nodes. The first node of a name has it as it is, and the next one gets `#2`, anywhere in the pipeline.
    /// So a stage that is put in between changes no other node's name, unless both have the same name.
    pub(crate) fn calls(&self) -> HashMap<u32, Called> {
        let mut stages: HashSet<Arc<str>> = HashSet::new();
        let mut all: HashMap<u32, Called> = HashMap::new();
        for node in &self.nodes {
            let keeps = node.parent.filter(|_| node.kind == NodeKind::Checkpoint).and_then(|id| all.get(&id));
            let stage = if let Some(kept) = keeps {
                Arc::clone(&kept.stage)
            } else {
                // Within a chain names are numbered already.
                let name = node.name.split('#').next().unwrap_or(&node.name);
                let numbered = (2..).map(|number| Arc::from(format!("{name}#{number}")));
                let mut names = [Arc::from(name)].into_iter().chain(numbered);
                names.find(|name| !stages.contains(name)).unwrap_or_else(|| Arc::clone(&node.path))
            };
            // A healer or the way into a union is told of nowhere.
            if !matches!(node.kind, NodeKind::Heal | NodeKind::ToPort) {
                stages.insert(Arc::clone(&stage));
            }
            all.insert(node.id, Called { stage, path: Arc::clone(&node.path) });
        }
        all
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.id == id)
    }

    fn children(&self, id: u32) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.iter().filter(move |node| node.parent == Some(id))
    }

    fn edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let down = self.nodes.iter().filter_map(|node| Some((node.parent?, node.id)));
        let across = self.nodes.iter().filter_map(|node| Some((node.id, node.feeds?)));
        down.chain(across)
    }

    /// Adds the node and all that something can flow to it from.
    pub(super) fn up_from(&self, id: u32, seen: &mut HashSet<u32>) {
        if seen.insert(id) {
            self.edges().filter(|(_, to)| *to == id).for_each(|(from, _)| self.up_from(from, seen));
        }
    }

    /// The node and all that something can flow to it from.
    pub(super) fn above(&self, id: u32) -> impl Iterator<Item = &Arc<Node>> {
        let mut above = HashSet::new();
        self.up_from(id, &mut above);
        self.nodes.iter().filter(move |node| above.contains(&node.id))
    }

    /// Whether the values that come to a node stand for several records: a batch, or made of one.
    pub(crate) fn is_below_batch(&self, id: u32) -> bool {
        let (mut ways, mut seen) = (vec![(id, 0_usize)], HashSet::new());
        while let Some((to, taken_apart)) = ways.pop() {
            for (from, _) in self.edges().filter(|(_, end)| *end == to) {
                let apart = match self.get(from).map(|node| &node.kind) {
                    Some(NodeKind::Batch { .. }) if taken_apart == 0 => return true,
                    Some(NodeKind::Batch { .. }) => taken_apart - 1,
                    Some(NodeKind::Unbatch) => taken_apart + 1,
                    _ => taken_apart,
                };
                // Batches of batches are few; a circle of ports has its own fault.
                if apart <= self.nodes.len() && seen.insert((from, apart)) {
                    ways.push((from, apart));
                }
            }
        }
        false
    }

    /// An indented list.
    pub(crate) fn text(&self, pipeline: &str) -> String {
        let mut out = format!("pipeline {pipeline}\n");
        for root in self.nodes.iter().filter(|node| node.parent.is_none()) {
            self.text_below(root, 1, &mut out);
        }
        out
    }

    fn text_below(&self, node: &Node, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        // Writing to a string cannot fail.
        let _ = write!(out, "{indent}{} ({})", node.name, node.kind.label());
        for need in &node.needs {
            let _ = write!(out, " needs {}", need.name);
        }
        let _ = match &node.on_error {
            Some(OnError::DeadLetter(topic)) => write!(out, " or dead letter to {topic}"),
            Some(OnError::ConfiguredDeadLetter) => {
                write!(out, " or dead letter to the configuration's topic")
            }
            _ => Ok(()),
        };
        if let Some(port) = node.feeds {
            let _ = write!(out, " -> {}", self.path(port));
        }
        out.push('\n');
        for child in self.children(node.id) {
            // A chain reads downwards; only a branching moves to the right.
            let deeper = usize::from(self.children(node.id).count() > 1);
            self.text_below(child, depth + deeper, out);
        }
    }

    /// A Mermaid flowchart.
    pub(crate) fn mermaid(&self) -> String {
        let ids = self.numbers();
        let mut out = String::from("flowchart TD\n");
        for node in &self.nodes {
            let text = escape(&format!("{}\n{}", node.name, node.kind.label()), "<br/>", "#quot;");
            let (open, close) = match node.kind {
                NodeKind::Source { .. } | NodeKind::Sink { .. } => ("[(", ")]"),
                NodeKind::Heal => ("((", "))"),
                _ => ("[", "]"),
            };
            let _ = writeln!(out, "    n{}{open}\"{text}\"{close}", ids[&node.id]);
        }
        for (from, to) in self.edges() {
            if let Some(to) = ids.get(&to) {
                let _ = writeln!(out, "    n{} --> n{to}", ids[&from]);
            }
        }
        out
    }

    /// A Graphviz digraph.
    pub(crate) fn dot(&self, pipeline: &str) -> String {
        let ids = self.numbers();
        let mut out = format!("digraph \"{}\" {{\n    node [shape=box];\n", escape(pipeline, " ", "\\\""));
        for node in &self.nodes {
            let text = escape(&format!("{}\n{}", node.name, node.kind.label()), "\\n", "\\\"");
            let _ = writeln!(out, "    n{} [label=\"{text}\"];", ids[&node.id]);
        }
        for (from, to) in self.edges() {
            if let Some(to) = ids.get(&to) {
                let _ = writeln!(out, "    n{} -> n{to};", ids[&from]);
            }
        }
        out.push_str("}\n");
        out
    }

    // Numbers that depend on the pipeline alone, so that a drawing can be compared with an older one.
    fn numbers(&self) -> HashMap<u32, usize> {
        self.nodes.iter().enumerate().map(|(n, node)| (node.id, n)).collect()
    }
}

fn escape(text: &str, newline: &str, quote: &str) -> String {
    text.replace('"', quote).replace('\n', newline)
}

/// A description of a pipeline; see `App::describe`.
#[derive(Clone)]
pub struct Description {
    pipeline: String,
    graph: Graph,
}

impl Description {
    pub(crate) fn new(pipeline: &str, graph: Graph) -> Self {
        Self { pipeline: pipeline.to_owned(), graph }
    }

    /// As a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        self.graph.mermaid()
    }

    /// As a Graphviz digraph.
    pub fn dot(&self) -> String {
        self.graph.dot(&self.pipeline)
    }
}

impl std::fmt::Display for Description {
    /// As an indented list.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.graph.text(&self.pipeline))
    }
}
