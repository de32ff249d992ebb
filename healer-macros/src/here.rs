//! Where the compiler is to point when a value lacks what a node asks of it.

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
