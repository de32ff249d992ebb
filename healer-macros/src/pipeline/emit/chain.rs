//! One chain from its start down to all its ends.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{ExprPath, Ident, ext::IdentExt as _, spanned::Spanned as _};

use super::{joined, needs_no_parentheses, port, unwrapped};
use crate::{
    here::here,
    names,
    pipeline::{
        check::{Graph, Use},
        model::{Head, Kind, Label, Node, Pipeline, Statement},
    },
};

/// The stream that a statement starts, if it starts one.
pub(super) fn start(krate: &TokenStream, index: usize, statement: &Statement) -> Option<TokenStream> {
    match &statement.head {
        Head::Source { value, label } => {
            let at = value.span();
            let value = unwrapped(value);
            let source = if needs_no_parentheses(value) { quote!(#value) } else { quote!((#value)) };
            let name = label.name.as_ref().map(ToTokens::to_token_stream);
            let call = name
                .or_else(|| statement.bound.as_ref().map(text))
                .map_or_else(|| quote_spanned!(at=> .unnamed()), |name| quote_spanned!(at=> .stream(#name)));
            let stream = quote!(#source #call);
            Some(checkpointed(krate, stream, label))
        }
        Head::Union { word, label, .. } => {
            Some(checkpointed(krate, joined(index, word.span()).into_token_stream(), label))
        }
        Head::Stream(_) | Head::Broken => None,
    }
}

/// The model and the graph that chains are written from.
#[derive(Clone, Copy)]
pub(super) struct Chains<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) graph: &'a Graph,
}

impl Chains<'_> {
    /// The nodes of a statement after `stream`, and everything that its name flows into.
    pub(super) fn after(self, stream: TokenStream, index: usize) -> TokenStream {
        let krate = self.pipeline.krate();
        let statement = &self.pipeline.statements[index];
        let named = statement.chain();
        let stream = statement.nodes.iter().enumerate().fold(stream, |stream, (before, next)| {
            match (&next.kind, named) {
                (Kind::Heal(word), Some(name)) => {
                    let name = text(name);
                    quote_spanned!(word.span()=> #stream.heal_as(#name))
                }
                _ => self.noted(node(&krate, stream, next), index, before + 1),
            }
        });
        let Some(bound) = statement.bound.as_ref().filter(|_| !statement.is_healed()) else {
            return stream;
        };
        match self.graph.uses(bound) {
            [only] => self.flow(stream, only),
            uses => (0..uses.len()).fold(stream, |stream, n| self.branch(&stream, uses, n)),
        }
    }

    /// One of several ways. `fan_out` stands for the second use: that is where values start to be cloned.
    fn branch(self, stream: &TokenStream, uses: &[Use], n: usize) -> TokenStream {
        let at = uses[n.max(1)].name().span();
        let way = Ident::new("way", Span::mixed_site().located_at(at));
        let body = self.flow(way.to_token_stream(), &uses[n]);
        if n == 0 {
            let here = here(&self.pipeline.krate(), at);
            quote_spanned!(at=> #stream.fan_out_at(#here, |#way| #body))
        } else {
            quote_spanned!(at=> #stream.and(|#way| #body))
        }
    }

    fn flow(self, stream: TokenStream, to: &Use) -> TokenStream {
        match to {
            Use::Statement { index, .. } => self.after(stream, *index),
            Use::Union { index, name } => {
                let port = port(*index, name.span());
                quote_spanned!(name.span()=> #stream.to(&#port))
            }
        }
    }
}

fn node(krate: &TokenStream, stream: TokenStream, next: &Node) -> TokenStream {
    if next.attributes.is_empty() {
        return added(krate, stream, next);
    }
    // The node is there or not, as its condition says, so it is a statement of its own.
    let way = Ident::new("way", Span::mixed_site());
    let (attributes, with) = (&next.attributes, added(krate, way.to_token_stream(), next));
    quote!({ let #way = #stream; #attributes let #way = #with; #way })
}

fn added(krate: &TokenStream, stream: TokenStream, node: &Node) -> TokenStream {
    let at = node.tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    let stream = match &node.kind {
        Kind::Stage(path) => {
            let last = path.path.segments.last().map_or(at, |segment| segment.ident.span());
            let stage = stage(krate, path, last);
            quote_spanned!(at=> #stream.then(#stage))
        }
        Kind::Method { word, types, values, settings } => {
            let setters = settings.iter().map(|(key, value)| quote_spanned!(key.span()=> .#key(#value)));
            quote_spanned!(at=> #stream.#word #types (#(#values),*) #(#setters)*)
        }
        Kind::Value(value) => {
            let value = unwrapped(value);
            quote_spanned!(at=> #stream.then(#value))
        }
        Kind::Checkpoint(word) => {
            let here = here(krate, word.span());
            quote_spanned!(word.span()=> #stream.checkpoint_at(#here))
        }
        Kind::Heal(word) => quote_spanned!(word.span()=> #stream.heal()),
        Kind::Broken => stream,
    };
    let named = match &node.label.name {
        Some(name) => quote_spanned!(name.span()=> #stream.named(#name)),
        None => stream,
    };
    checkpointed(krate, named, &node.label)
}

/// The node of a stage. Its name is imported over one of ours, with which a function that is no stage is left. So is a name that nothing
/// has: the import finds a function of ours.
fn stage(krate: &TokenStream, path: &ExprPath, at: Span) -> TokenStream {
    let mut path = path.clone();
    let Some(last) = path.path.segments.last_mut() else { return TokenStream::new() };
    last.ident = names::node(&last.ident);
    let arguments = std::mem::take(&mut last.arguments);
    let of_a_type = path.path.segments.first().is_some_and(|first| first.ident == "Self");
    if path.qself.is_some() || of_a_type {
        return quote_spanned!(at=> #path #arguments::stage());
    }
    // A variable of the same name is neither meant nor in the way.
    for segment in &mut path.path.segments {
        // That of `$crate` says which crate is meant.
        if segment.ident != "$crate" {
            segment.ident.set_span(Span::mixed_site().located_at(segment.ident.span()));
        }
    }
    let node = Ident::new("__node", at);
    let nothing = path.path.get_ident().map(
        |name| quote_spanned!(at=> #[allow(unused_imports)] use #krate::__private::nodes::nothing as #name;),
    );
    quote_spanned! {at=> {
        #[allow(unused_imports, clippy::wildcard_imports)]
        use #krate::__private::nodes::*;
        #nothing
        {
            #[allow(unused_imports)]
            use #path as #node;
            #node #arguments::stage()
        }
    }}
}

fn checkpointed(krate: &TokenStream, stream: TokenStream, label: &Label) -> TokenStream {
    match &label.checkpoint {
        Some(word) => {
            let here = here(krate, word.span());
            quote_spanned!(word.span()=> #stream.checkpoint_at(#here))
        }
        None => stream,
    }
}

/// A bound name as a string.
pub(super) fn text(name: &Ident) -> TokenStream {
    let text = name.unraw().to_string();
    quote_spanned!(name.span()=> #text)
}
