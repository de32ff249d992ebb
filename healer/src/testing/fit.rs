//! Whether topics that a test has fit the pipeline that it runs.

use crate::{
    broker::{Pattern, Topics},
    topology::{Graph, NodeKind},
};

/// Whether a source of these topics reads that one. A pattern that is none reads nothing, and has its own fault.
pub(super) fn reads(topics: &Topics, topic: &str) -> bool {
    match topics {
        Topics::Named(names) => names.iter().any(|name| &**name == topic),
        Topics::Pattern(pattern) => Pattern::new(pattern).is_ok_and(|pattern| pattern.is(topic)),
    }
}

/// The path and the topics of each source of a pipeline.
pub(super) fn sources(graph: &Graph) -> impl Iterator<Item = (&str, &Topics)> {
    graph.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Source { topics, .. } => Some((&*node.path, topics)),
        _ => None,
    })
}

/// A fault for each topic that nothing in the pipeline reads: its records would wait for ever.
pub(super) fn unread<'t>(graph: &Graph, topics: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let is_unread = |topic: &&str| !sources(graph).any(|(_, read)| reads(read, topic));
    let read = || {
        let name = |(_, topics): (&str, &Topics)| match topics {
            Topics::Named(names) => names.iter().map(|name| format!("`{name}`")).collect(),
            Topics::Pattern(pattern) => vec![format!("topics like `{pattern}`")],
        };
        let read = sources(graph).flat_map(name).collect::<Vec<_>>();
        if read.is_empty() { "nothing".to_owned() } else { read.join(", ") }
    };
    let fault = |topic| format!("nothing in the pipeline reads topic `{topic}`; it reads {}", read());
    topics.into_iter().filter(is_unread).map(fault).collect()
}

/// The rows of a pipeline's largest batch. So many records of a partition must be in flight at least for it to be built.
pub(super) fn largest_batch(graph: &Graph) -> usize {
    let rows = graph.nodes.iter().map(|node| match node.kind {
        NodeKind::Batch { rows, .. } => rows,
        _ => 0,
    });
    rows.max().unwrap_or_default()
}
