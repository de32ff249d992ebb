//! Values that count as done further down: their types are looked at once the chains are written, when all of them are known.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::chain::Chains;
use crate::{
    looks::looks,
    pipeline::{
        check::Use,
        model::{Head, Kind, Node, Statement},
        parse::call_path,
    },
};

/// Types that are looked at.
struct Flow {
    of: Of,
    /// The variable for them.
    name: Ident,
    /// Where the node stands.
    at: Span,
}

enum Of {
    /// The values that a node gives.
    Values,
    /// The values that a node takes. They count as done if the node is a sink, which the macro cannot tell.
    Taker,
}

impl Chains<'_> {
    /// A stream after the nodes of a statement up to `at`, with its type noted if its values count as done further down, or if its last
    /// node may be a sink.
    pub(super) fn noted(self, stream: TokenStream, index: usize, at: usize) -> TokenStream {
        match self.flow_of(index, at) {
            Some(Flow { of: Of::Values, name, at }) => quote_spanned!(at=> #stream.flows(&#name)),
            Some(Flow { of: Of::Taker, name, at }) => quote_spanned!(at=> #stream.taken_by(&#name)),
            None => stream,
        }
    }

    /// The statements that keep the types, to stand before the chains; and the looks at the types, to stand behind.
    pub(super) fn looks(self) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let krate = self.pipeline.krate();
        let flows = self.pipeline.statements.iter().enumerate().flat_map(|(index, statement)| {
            (0..=statement.nodes.len()).filter_map(move |at| self.flow_of(index, at))
        });
        let both = flows.map(|Flow { of, name, at }| {
            let flow = match of {
                Of::Values => quote_spanned!(at=> #krate::__private::typed::flow()),
                Of::Taker => quote_spanned!(at=> #krate::__private::typed::taker()),
            };
            (quote_spanned!(at=> let #name = #flow;), looks(&krate, &name.to_token_stream(), at))
        });
        both.unzip()
    }

    /// The flow to look at behind a statement's node, if any; the start is at 0.
    fn flow_of(self, index: usize, at: usize) -> Option<Flow> {
        let statement = &self.pipeline.statements[index];
        let span = gives(statement, at)?;
        let name = format_ident!("flow_{index}_{at}", span = Span::mixed_site().located_at(span));
        let flow = |of| Some(Flow { of, name, at: span });
        if is_kept(statement, at) || self.counts_as_done(index, at) {
            return flow(Of::Values);
        }
        let node = &statement.nodes[at.checked_sub(1)?];
        if matches!(node.kind, Kind::Value(_)) { flow(Of::Taker) } else { None }
    }

    /// Whether the values after the nodes up to `at` count as done before a node makes other values of them.
    fn counts_as_done(self, index: usize, at: usize) -> bool {
        let statement = &self.pipeline.statements[index];
        for (before, node) in statement.nodes.iter().enumerate().skip(at) {
            match &node.kind {
                Kind::Heal(_) | Kind::Checkpoint(_) => return true,
                Kind::Method { word, .. } if word == "batch" => return true,
                Kind::Method { word, .. } if word == "filter" && is_kept(statement, before + 1) => {
                    return true;
                }
                Kind::Method { word, .. } if word == "filter" => {}
                _ => return is_sink(node),
            }
        }
        let uses = statement.bound.iter().flat_map(|bound| self.graph.uses(bound));
        uses.into_iter().any(|to| match to {
            Use::Statement { index, .. } => self.counts_as_done(*index, 0),
            // The values of the union are looked at there.
            Use::Union { .. } => false,
        })
    }
}

/// Whether the last value of a node is kept.
fn is_kept(statement: &Statement, at: usize) -> bool {
    let label = match (at.checked_sub(1), &statement.head) {
        (Some(node), _) => &statement.nodes[node].label,
        (None, Head::Source { label, .. } | Head::Union { label, .. }) => label,
        (None, Head::Stream(_) | Head::Broken) => return false,
    };
    label.checkpoint.is_some()
}

/// Where a statement's node stands, if it gives values of its own.
fn gives(statement: &Statement, at: usize) -> Option<Span> {
    let Some(node) = at.checked_sub(1) else {
        return match &statement.head {
            Head::Source { value, .. } => Some(value.span()),
            Head::Union { word, .. } => Some(word.span()),
            Head::Stream(_) | Head::Broken => None,
        };
    };
    let node = &statement.nodes[node];
    match &node.kind {
        Kind::Stage(path) => path.path.segments.last().map(|last| last.ident.span()),
        Kind::Method { word, .. } if word != "filter" && word != "batch" && word != "unbatch" => {
            Some(word.span())
        }
        Kind::Value(value) if !is_sink(node) => Some(value.span()),
        _ => None,
    }
}

/// Whether a node is a sink by the name of its function; for other nodes that may be sinks the type tells.
fn is_sink(node: &Node) -> bool {
    let Kind::Value(value) = &node.kind else { return false };
    let segments = call_path(value).into_iter().flat_map(|path| path.segments.iter().rev().take(2));
    let names: Vec<_> = segments.map(|segment| segment.ident.to_string()).collect();
    matches!(&names[..], [sink, module] if module == "kafka" && (sink == "sink" || sink.starts_with("to_")))
}
