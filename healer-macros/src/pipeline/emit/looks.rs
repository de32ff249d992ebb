//! Values that count as done further down: their types are looked at once the chains are written, when all of them are known.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::chain::Chains;
use crate::pipeline::{
    check::Use,
    model::{Head, Kind, Node, Statement},
    parse::call_path,
};

/// How many types are looked at: those within each other and beside each other count together.
const LOOKS: usize = 16;

impl Chains<'_> {
    /// A stream after the nodes of a statement up to `at`, with its type noted if its values count as done further down.
    pub(super) fn noted(self, stream: TokenStream, index: usize, at: usize) -> TokenStream {
        let Some((flow, span)) = self.flow_of(index, at) else { return stream };
        quote_spanned!(span=> #stream.flows(&#flow))
    }

    /// What keeps the types, to stand before the chains; and the looks at them, to stand behind.
    pub(super) fn looks(self) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let krate = self.pipeline.krate();
        let flows = self.pipeline.statements.iter().enumerate().flat_map(|(index, statement)| {
            (0..=statement.nodes.len()).filter_map(move |at| self.flow_of(index, at))
        });
        let both = flows.map(|(flow, at)| {
            let typed = quote_spanned!(at=> #krate::__private::typed);
            let list = Ident::new("list", Span::mixed_site().located_at(at));
            let look = quote_spanned! {at=>
                (*#list.first()).__healer_known();
                let #list = (&&&&&&&#list).__healer_look();
            };
            let looks = std::iter::repeat_n(look, LOOKS);
            let look = quote! {
                #[allow(clippy::all, clippy::pedantic)]
                {
                    use #typed::*;
                    let _ = || {
                        let #list = #flow.types();
                        #(#looks)*
                    };
                }
            };
            (quote_spanned!(at=> let #flow = #typed::flow();), look)
        });
        both.unzip()
    }

    /// The variable for the type of what a statement's node gives, and where the node stands; the start is at 0.
    fn flow_of(self, index: usize, at: usize) -> Option<(Ident, Span)> {
        let statement = &self.pipeline.statements[index];
        let span = gives(statement, at)?;
        let name = format_ident!("flow_{index}_{at}", span = Span::mixed_site().located_at(span));
        (is_kept(statement, at) || self.counts_as_done(index, at)).then_some((name, span))
    }

    /// Whether what flows after the nodes up to `at` counts as done before it is another value.
    fn counts_as_done(self, index: usize, at: usize) -> bool {
        let statement = &self.pipeline.statements[index];
        for (before, node) in statement.nodes.iter().enumerate().skip(at) {
            match &node.kind {
                Kind::Heal(_) | Kind::Checkpoint(_) => return true,
                Kind::Method { word, .. } if word == "partition" => return true,
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
            // What comes out of the union is looked at there.
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
        Kind::Method { word, .. } if word != "filter" && word != "partition" => Some(word.span()),
        Kind::Value(value) if !is_sink(node) => Some(value.span()),
        _ => None,
    }
}

/// Whether a node is a sink by the name of its function; what else is one passes for a node that gives values.
fn is_sink(node: &Node) -> bool {
    let Kind::Value(value) = &node.kind else { return false };
    let segments = call_path(value).into_iter().flat_map(|path| path.segments.iter().rev().take(2));
    let names: Vec<_> = segments.map(|segment| segment.ident.to_string()).collect();
    matches!(&names[..], [sink, module] if module == "kafka" && sink.starts_with("to_"))
}
