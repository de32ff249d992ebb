//! The token that the compiler points at when a value lacks a trait that a node asks for.

use proc_macro2::{Span, TokenStream};
use quote::quote;

/// The marker that such a bound stands on: a path whose every token has the span.
pub(crate) fn here(root: &TokenStream, at: Span) -> TokenStream {
    let spanned = quote!(#root::__private::Here).into_iter().map(|mut token| {
        token.set_span(at);
        token
    });
    spanned.collect()
}
