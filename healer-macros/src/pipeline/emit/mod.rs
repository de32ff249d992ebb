//! The pipeline as calls of the fluent builder. Each call has the span of the user's token that it stands for, so that the
//! compiler's errors about types point at that token.

mod chain;
mod early;
mod looks;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Expr, Ident, Stmt};

use self::chain::Chains;
use super::{
    check::Graph,
    model::{Head, Pipeline},
};

/// An expression of type `App`.
pub(super) fn app(pipeline: &mut Pipeline, graph: &Graph) -> TokenStream {
    let early = early::take(pipeline);
    let krate = pipeline.krate();
    let unions = unions(pipeline, &krate);
    let chains = Chains { pipeline, graph };
    let roots = roots(chains);
    let (flows, looks) = chains.looks();
    let name = pipeline.name.iter();
    let app = Ident::new("app", Span::mixed_site());
    quote!({
        #early
        #unions
        #(#flows)*
        let #app = #krate::App::new(#(#name)*) #(.chain(#roots))*;
        #(#looks)*
        #app
    })
}

/// A chain for each source and each union, in the order of the lines: the inputs of a union stand before it.
fn roots(chains: Chains<'_>) -> Vec<TokenStream> {
    let krate = chains.pipeline.krate();
    let starts = chains.pipeline.statements.iter().enumerate().filter_map(|(index, statement)| {
        let start = chain::start(&krate, index, statement)?;
        Some(chains.after(chains.noted(start, index, 0), index))
    });
    starts.collect()
}

/// The ports and streams of all unions.
fn unions(pipeline: &Pipeline, krate: &TokenStream) -> TokenStream {
    let mut nameless = 0;
    let each = pipeline.statements.iter().enumerate().filter_map(|(index, statement)| {
        let Head::Union { word, label, .. } = &statement.head else {
            return None;
        };
        let name = match (&label.name, &statement.bound) {
            (Some(name), _) => quote!(#name),
            (None, Some(bound)) => chain::text(bound),
            (None, None) => {
                nameless += 1;
                let name = if nameless == 1 { "union".to_owned() } else { format!("union#{nameless}") };
                quote!(#name)
            }
        };
        let (port, stream) = (port(index, word.span()), joined(index, word.span()));
        let call = quote::quote_spanned!(word.span()=> #krate::union(#name));
        Some(quote!(let (#port, #stream) = #call;))
    });
    each.collect()
}

/// The variable of a union's port. The user's own variables cannot be meant by it, nor see it.
fn port(index: usize, at: Span) -> Ident {
    format_ident!("port_{index}", span = Span::mixed_site().located_at(at))
}

/// The variable of a union's stream.
fn joined(index: usize, at: Span) -> Ident {
    format_ident!("joined_{index}", span = Span::mixed_site().located_at(at))
}

/// A value without the parentheses or braces that only the pipeline's grammar needs: the compiler would call them superfluous.
fn unwrapped(value: &Expr) -> &Expr {
    match value {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        Expr::Block(block) if block.label.is_none() && block.attrs.is_empty() => match &block.block.stmts[..]
        {
            [Stmt::Expr(only, None)] => unwrapped(only),
            _ => value,
        },
        _ => value,
    }
}

/// Whether an expression can be followed by `.` as it is.
fn needs_no_parentheses(value: &Expr) -> bool {
    matches!(
        value,
        Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Path(_)
            | Expr::Paren(_)
            | Expr::Try(_)
            | Expr::Await(_)
            | Expr::Field(_)
    )
}
