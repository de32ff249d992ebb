//! `#[checkpoint]`, which stands above or below `#[stage]` and is read by it.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::ToTokens as _;
use syn::{Attribute, Meta, parse_quote_spanned};

use super::{
    fault::{Faults, fault},
    parse::{Function, Settings},
};

/// Runs when no `#[stage]` above has taken the attribute: hands it on to the one below, or there is none.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let span = Span::call_site();
    let function = super::parse::function(item.clone()).ok();
    let stage = function.and_then(|function| {
        let at = function.attrs.iter().position(|attribute| is_named(attribute, "stage"))?;
        Some((function, at))
    });
    let Some((mut function, at)) = stage else {
        let mut written = item;
        written.extend(alone(&Ident::new("checkpoint", span)).to_compile_error());
        return written;
    };
    let arguments = (!arguments.is_empty()).then(|| Group::new(Delimiter::Parenthesis, arguments));
    function.attrs.insert(at + 1, parse_quote_spanned!(span=> #[checkpoint #arguments]));
    function.into_token_stream()
}

fn alone(word: &Ident) -> syn::Error {
    fault(
        word,
        "`#[checkpoint]` keeps what a stage gives, and this is no stage",
        "put `#[stage]` on the same function; after any other node write `=> checkpoint` in `pipeline!`",
    )
}

/// Takes the attribute off a function that `#[stage]` reads.
pub(super) fn take(function: &mut Function, settings: &mut Settings, faults: &mut Faults) {
    function.attrs.retain(|attribute| {
        if !is_named(attribute, "checkpoint") {
            return true;
        }
        if let Meta::List(list) = &attribute.meta {
            let help = "write `#[checkpoint]`";
            faults.at(&list.tokens, "`#[checkpoint]` takes no settings yet", help);
        } else if settings.checkpoint.is_some() {
            faults.at(
                attribute,
                "a second `#[checkpoint]`: one keeps the value already",
                "remove one of them",
            );
        }
        settings.checkpoint = Some(attribute.clone());
        false
    });
    let second = function.attrs.iter().position(|attribute| is_named(attribute, "stage"));
    if let Some(second) = second {
        let attribute = function.attrs.remove(second);
        faults.at(&attribute, "a second `#[stage]`: the function is a node already", "remove one of them");
    }
}

fn is_named(attribute: &Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == name)
}
