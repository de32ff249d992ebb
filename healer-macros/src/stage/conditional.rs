//! `#[cfg]` and `#[cfg_attr]` at a parameter: which parameters there are must be known before a node is written, so the function is
//! written for either case, and the compiler takes the one that holds.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Attribute, FnArg, Meta, Token, parse::Parser as _, punctuated::Punctuated};

use super::parse::Function;

/// The function twice, each under its condition and with the macro above it again; `None` where no parameter has a condition.
pub(super) fn expand(function: &Function, settings: &TokenStream, root: &TokenStream) -> Option<TokenStream> {
    let mut inputs = function.sig.inputs.iter().enumerate();
    let (at, nth) =
        inputs.find_map(|(at, input)| Some((at, attributes(input).iter().position(is_condition)?)))?;
    let (mut with, mut without) = (function.clone(), function.clone());
    let attribute = attributes_mut(&mut with.sig.inputs[at]).remove(nth);
    attributes_mut(&mut without.sig.inputs[at]).remove(nth);
    let Meta::List(list) = &attribute.meta else { return None };
    let mut parts =
        Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone()).ok()?.into_iter();
    let condition = parts.next()?.into_token_stream();
    if attribute.path().is_ident("cfg") {
        let inputs = std::mem::take(&mut without.sig.inputs).into_iter().enumerate();
        without.sig.inputs = inputs.filter(|(input, _)| *input != at).map(|(_, input)| input).collect();
    } else {
        let put = parts.map(|meta| syn::parse_quote!(#[#meta]));
        attributes_mut(&mut with.sig.inputs[at]).extend(put);
    }
    Some(quote! {
        #[cfg(#condition)]
        #[#root::stage(#settings)]
        #with
        #[cfg(not(#condition))]
        #[#root::stage(#settings)]
        #without
    })
}

fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

fn attributes(input: &FnArg) -> &[Attribute] {
    match input {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    }
}

fn attributes_mut(input: &mut FnArg) -> &mut Vec<Attribute> {
    match input {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(typed) => &mut typed.attrs,
    }
}
