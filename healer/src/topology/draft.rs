//! The nodes of one stream while it is being written down.

use std::sync::Arc;

use super::{Node, NodeDraft, NodeKind, node::node_id};

/// A chain of nodes from a source, a port or a branching to where the stream is now.
#[derive(Debug)]
pub struct Draft {
    /// The number of its source or port, or of the branching that it begins with.
    start: u32,
    /// The names above, for a branch.
    above: Vec<String>,
    parent: Option<u32>,
    nodes: Vec<NodeDraft>,
    /// Faults of the values that a branch begins with: its first node tells them.
    faults: Vec<String>,
    /// Finished nodes of branches below.
    below: Vec<Arc<Node>>,
}

impl Draft {
    pub(crate) fn new(first: NodeDraft) -> Self {
        Self {
            start: first.id,
            above: Vec::new(),
            parent: None,
            nodes: vec![first],
            faults: Vec::new(),
            below: Vec::new(),
        }
    }

    /// The draft of a branch that starts where this one is.
    pub(crate) fn branch(&self) -> Self {
        let mut above = self.above.clone();
        for node in &self.nodes {
            name_node(&mut above, node);
        }
        let parent = self.nodes.last().map(|n| n.id).or(self.parent);
        Self { start: node_id(), above, parent, nodes: Vec::new(), faults: Vec::new(), below: Vec::new() }
    }

    /// The number of its source or port, or of the branching that it begins with.
    pub(crate) fn start(&self) -> u32 {
        self.start
    }

    /// A node in the place of a branch that `build` is to refuse.
    pub(crate) fn refuse_branch(mut self, fault: &str) -> Vec<Arc<Node>> {
        let mut node = NodeDraft::new("branch", NodeKind::Heal);
        node.faults.push(fault.to_owned());
        self.push(node);
        self.freeze().into_nodes()
    }

    pub(crate) fn push(&mut self, node: NodeDraft) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The node that was added last; settings that follow it are its own.
    pub(crate) fn last(&mut self) -> Option<&mut NodeDraft> {
        self.nodes.last_mut()
    }

    /// Notes a fault of the values that flow now, once, at the node that gave them.
    pub(crate) fn refuse(&mut self, fault: Option<String>) {
        let passes_on = |node: &NodeDraft| {
            use NodeKind::{Batch, Checkpoint, Filter, Sink, Unbatch};
            matches!(node.kind, Checkpoint | Filter { .. } | Batch { .. } | Unbatch | Sink { .. })
        };
        let gave = self.nodes.iter_mut().rfind(|node| !passes_on(node));
        let faults = gave.map_or(&mut self.faults, |node| &mut node.faults);
        faults.extend(fault.filter(|fault| !faults.contains(fault)));
    }

    pub(crate) fn adopt(&mut self, nodes: Vec<Arc<Node>>) {
        self.below.extend(nodes);
    }

    /// Gives every node its path.
    pub(crate) fn freeze(self) -> Plan {
        let mut names = self.above;
        let mut parent = self.parent;
        let mut faults = self.faults;
        let nodes = self.nodes.into_iter().map(|draft| {
            let (name, path) = name_node(&mut names, &draft);
            let node = Node {
                id: draft.id,
                path: path.into(),
                name: name.into(),
                kind: draft.kind,
                needs: draft.needs,
                parent,
                feeds: draft.feeds,
                stores: draft.stores,
                keeps: draft.keeps,
                breaks: draft.breaks,
                copies_key: draft.copies_key,
                on_error: draft.on_error,
                faults: faults.drain(..).chain(draft.faults).collect(),
            };
            parent = Some(draft.id);
            Arc::new(node)
        });
        let own: Vec<_> = nodes.collect();
        Plan { own, below: self.below }
    }
}

/// A node's name and path, below the nodes of these names, to which it is added. A second use of a name gets `#2`.
fn name_node(names: &mut Vec<String>, node: &NodeDraft) -> (String, String) {
    let path = |names: &[String], name: &str| {
        let above = names.iter().map(String::as_str);
        above.chain([name]).collect::<Vec<_>>().join(".")
    };
    match node.kind {
        // No places that a record rests at: they lengthen no path.
        NodeKind::Heal | NodeKind::ToPort => (node.name.clone(), path(names, &node.name)),
        // It keeps the output of the node before it, under that node's name.
        NodeKind::Checkpoint => {
            let before = names.last().filter(|before| before.split('#').next() == Some(&node.name)).cloned();
            (before.unwrap_or_else(|| node.name.clone()), names.join("."))
        }
        _ => {
            let uses = names.iter().filter(|known| known.split('#').next() == Some(&node.name)).count();
            let name = if uses == 0 { node.name.clone() } else { format!("{}#{}", node.name, uses + 1) };
            let path = path(names, &name);
            names.push(name.clone());
            (name, path)
        }
    }
}

/// A draft whose names are settled.
#[derive(Debug)]
pub struct Plan {
    own: Vec<Arc<Node>>,
    below: Vec<Arc<Node>>,
}

impl Plan {
    /// The node at a place of the chain; places come from `Draft::push`.
    pub(crate) fn node(&self, at: usize) -> Arc<Node> {
        Arc::clone(&self.own[at])
    }

    pub(crate) fn into_nodes(self) -> Vec<Arc<Node>> {
        let mut nodes = self.own;
        nodes.extend(self.below);
        nodes
    }
}
