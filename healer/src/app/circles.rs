//! Records that would come back to where they were: through a port, or through a topic that is written and read.
//!
//! A topic that is chosen by record is not known here.
//!
//! - A circle is refused by `build`: a port that flows into itself, and a sink whose topic leads back to it by name or by pattern
//!   (`app/circles`). A sink whose topic another chain reads is right where nothing leads back.
//! - A topic has one source: `build` refuses a second by its name, and a topic that two patterns match ends the pipeline when it
//!   is assigned.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    broker::{Pattern, Topics},
    topology::{Graph, Node, NodeKind},
};

/// Where each chain that does not end with `heal` alone goes on: its first node, the node it goes on by, and the first node there.
fn ways(graph: &Graph) -> impl Iterator<Item = (u32, &Node, u32)> {
    let start_of = |node: &Node| {
        let mut start = node;
        while let Some(parent) = start.parent.and_then(|id| graph.get(id)) {
            start = parent;
        }
        start.id
    };
    graph.nodes.iter().flat_map(move |node| {
        let readers = graph.nodes.iter().filter(|source| match (&node.kind, &source.kind) {
            (NodeKind::Sink { topic: Some(topic), .. }, NodeKind::Source { topics, .. }) => {
                reads(topics, topic)
            }
            _ => false,
        });
        let next = node.feeds.into_iter().chain(readers.map(|source| source.id));
        next.map(move |next| (start_of(node), &**node, next))
    })
}

/// Everywhere that records come to which are at `start`.
fn reached(ways: &[(u32, &Node, u32)], start: u32) -> BTreeSet<u32> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(from) = next.pop() {
        let onward = ways.iter().filter(|(start, ..)| *start == from).map(|(.., to)| *to);
        next.extend(onward.filter(|to| reached.insert(*to)));
    }
    reached
}

/// Ports that a stream behind them flows back into: its records would never be done.
pub(super) fn of_ports(graph: &Graph) -> Vec<String> {
    let ways: Vec<_> = ways(graph).filter(|(_, node, _)| node.feeds.is_some()).collect();
    let ports = graph.nodes.iter().filter(|node| node.kind == NodeKind::Port);
    let ports = ports.filter(|port| reached(&ways, port.id).contains(&port.id));
    ports.map(|port| format!("`{}` flows into itself: its records would never be done", port.path)).collect()
}

/// Sinks whose records come back to them through a topic that is read: each would be written again and again.
pub(super) fn of_topics(graph: &Graph) -> Vec<String> {
    let ways: Vec<_> = ways(graph).collect();
    let back = ways.iter().filter_map(|(start, sink, source)| {
        let NodeKind::Sink { topic: Some(topic), .. } = &sink.kind else { return None };
        let comes_back = source == start || reached(&ways, *source).contains(start);
        let source = graph.get(*source).filter(|_| comes_back)?;
        Some(format!(
            "`{}` writes to `{topic}`, which `{}` reads: its records would come in again and again, and none would be the last; write \
             to another topic",
            sink.path, source.path
        ))
    });
    back.collect()
}

/// Whether a source reads this topic.
pub(super) fn reads(topics: &Topics, topic: &Arc<str>) -> bool {
    match topics {
        Topics::Named(names) => names.contains(topic),
        // A pattern that is none has its own fault.
        Topics::Pattern(pattern) => Pattern::new(pattern).is_ok_and(|pattern| pattern.is(topic)),
    }
}
