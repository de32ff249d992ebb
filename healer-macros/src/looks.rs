//! Looks at a list of types, one after the other.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::Ident;

/// How many types are looked at: those within each other and beside each other count together. More of them are refused.
const LOOKS: usize = 64;

/// A statement that looks at the types of `flow`; a fault of a type is told at `at`.
pub(crate) fn looks(krate: &TokenStream, flow: &TokenStream, at: Span) -> TokenStream {
    let typed = quote_spanned!(at=> #krate::__private::typed);
    let list = Ident::new("list", Span::mixed_site().located_at(at));
    let look = quote_spanned! {at=>
        (*#list.__healer_first()).__healer_known();
        let #list = (&&&&&&&&#list).__healer_look();
    };
    let looks = std::iter::repeat_n(look, LOOKS);
    quote_spanned! {at=>
        #[allow(clippy::all, clippy::pedantic)]
        {
            use #typed::*;
            let _ = || {
                let #list = #flow.__healer_types();
                #(#looks)*
                #typed::ended(&#list);
            };
        }
    }
}
