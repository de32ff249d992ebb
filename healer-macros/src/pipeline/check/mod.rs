//! The graph of names: which statements use each stream, and whether every stream gets to `heal`.

mod ends;
mod names;

use std::collections::HashMap;

use proc_macro2::TokenTree;
use syn::Ident;

use super::{
    fault::Faults,
    model::{Head, Pipeline, Statement},
};

/// Where a bound stream flows on.
pub(super) enum Use {
    /// Into the nodes of a statement.
    Statement { index: usize, name: Ident },
    /// Into the union of a statement.
    Union { index: usize, name: Ident },
}

impl Use {
    /// The name, where it is used.
    pub(super) fn name(&self) -> &Ident {
        match self {
            Self::Statement { name, .. } | Self::Union { name, .. } => name,
        }
    }

    pub(super) fn index(&self) -> usize {
        match self {
            Self::Statement { index, .. } | Self::Union { index, .. } => *index,
        }
    }
}

/// The uses of every bound name, in the order in which they are written.
#[derive(Default)]
pub(super) struct Graph(HashMap<Ident, Vec<Use>>);

impl Graph {
    pub(super) fn uses(&self, name: &Ident) -> &[Use] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn check(pipeline: &Pipeline, faults: &mut Faults) -> Graph {
    let mut graph = Graph::default();
    for (index, statement) in pipeline.statements.iter().enumerate() {
        for used in used(statement, index) {
            graph.0.entry(used.name().clone()).or_default().push(used);
        }
    }
    names::check(pipeline, &mut graph, faults);
    ends::check(pipeline, &graph, faults);
    graph
}

/// The streams that flow into a statement.
fn used(statement: &Statement, index: usize) -> Vec<Use> {
    match &statement.head {
        Head::Stream(name) => vec![Use::Statement { index, name: name.clone() }],
        Head::Union { inputs, .. } => {
            inputs.iter().map(|name| Use::Union { index, name: name.clone() }).collect()
        }
        Head::Source { .. } | Head::Broken => Vec::new(),
    }
}

/// Whether a statement that could not be read says this name somewhere: then nothing is known about its uses.
fn is_mentioned_in_broken(pipeline: &Pipeline, name: &Ident) -> bool {
    let mut broken = pipeline.statements.iter().filter(|statement| statement.broken);
    broken.any(|statement| {
        let of_its_own = usize::from(statement.bound.as_ref() == Some(name));
        mentions(statement.tokens.clone(), name) > of_its_own
    })
}

fn mentions(tokens: proc_macro2::TokenStream, name: &Ident) -> usize {
    let each = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(ident) => usize::from(ident == *name),
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => 0,
    });
    each.sum()
}
