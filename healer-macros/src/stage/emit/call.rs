//! The call of the user's function.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::{Generics, local};
use crate::stage::{
    Stage,
    parse::{Argument, InputKind},
};

/// The names of the method's arguments.
pub(super) struct Names {
    pub(super) input: Ident,
    pub(super) context: Ident,
    pub(super) need: Ident,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { input: local("input"), context: local("context"), need: local("need") }
    }
}

/// `name::<T>(input, &need.0, context)`, awaited if it is `async`; each argument is at the type of its parameter.
pub(super) fn call(stage: &Stage, generics: &Generics, names: &Names, root: &TokenStream) -> TokenStream {
    let name = &stage.function.sig.ident;
    let arguments = stage.parameters.arguments.iter().map(|(argument, ty)| {
        let span = Span::mixed_site().located_at(ty.span());
        let Names { input, context, need } = names;
        let moved = |name: &Ident| Ident::new(&name.to_string(), span);
        match argument {
            Argument::Input if stage.input.kind == InputKind::Lent => {
                let input = moved(input);
                quote_spanned!(span=> &#input)
            }
            Argument::Input if stage.input.kind == InputKind::Batch && stage.input.bound.is_some() => {
                let (input, at) = (moved(input), stage.input.payload.span());
                quote_spanned!(at=> #root::__private::rows(#input))
            }
            Argument::Input => moved(input).into_token_stream(),
            Argument::Context => moved(context).into_token_stream(),
            Argument::State(index) => {
                let (need, index) =
                    (moved(need), syn::Index { index: u32::try_from(*index).unwrap_or(0), span });
                quote_spanned!(span=> &*#need.#index)
            }
        }
    });
    let turbofish = (!generics.names.is_empty()).then(|| {
        let arguments = &generics.arguments;
        quote!(::#arguments)
    });
    let call = quote!(#name #turbofish (#(#arguments),*));
    if stage.function.sig.asyncness.is_some() { quote!(#call.await) } else { call }
}

/// A variable for one expression, so that a fault of the expression's type is told at `at`.
pub(super) fn at(at: &TokenStream, name: &str) -> Ident {
    Ident::new(&format!("__{name}"), at.span())
}
