//! Stages of whole batches.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};

use super::{
    Generics,
    call::Names,
    local, parts,
    single::{future, verdict},
};
use crate::{
    here::here,
    stage::{Stage, parse::Settings},
};

/// Reads: `&Batch<T>`.
pub(super) fn rows(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let body = verdict(stage, generics, &names, root);
    let future = future(stage, &body);
    let Names { input, need, .. } = names;
    let row = &stage.input.payload;
    let blocking = stage.function.sig.asyncness.is_none();
    quote_spanned! {name.span()=>
        #[automatically_derived]
        impl #parameters #root::__private::BatchStage for #name #arguments #bounds {
            type Row = #row;
            const BLOCKING: bool = #blocking;
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call<'a>(
                #input: &'a #root::Batch<Self::Row>,
                #need: &'a Self::Need,
            ) -> impl ::core::future::Future<Output = #root::__private::Verdict<()>> + ::core::marker::Send + 'a {
                #future
            }
        }
    }
}

/// Transforms: `BatchMut<'b, T>`.
pub(super) fn transformed(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let body = verdict(stage, generics, &names, root);
    let future = future(stage, &body);
    let copy = copy(stage, root);
    let Names { input, need, .. } = names;
    let (row_in, row_out) = (&stage.input.payload, &stage.output.payload);
    let blocking = stage.function.sig.asyncness.is_none();
    quote_spanned! {name.span()=>
        #[automatically_derived]
        impl #parameters #root::__private::BatchMutStage for #name #arguments #bounds {
            type RowIn = #row_in;
            type RowOut = #row_out;
            const BLOCKING: bool = #blocking;
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call<'b>(
                #input: #root::BatchMut<'b, Self::RowIn>,
                #need: &'b Self::Need,
            ) -> impl ::core::future::Future<
                Output = #root::__private::Verdict<#root::BatchMut<'b, Self::RowOut>>,
            > + ::core::marker::Send + 'b {
                #future
            }
            #copy
        }
    }
}

/// The method that copies a row for another attempt or a report. A row without a copy is told at the key that asks for one.
fn copy(stage: &Stage, root: &TokenStream) -> Option<TokenStream> {
    let Settings { retry, split, report, .. } = &stage.settings;
    let again = retry.as_ref().map(|retry| &retry.key).or(split.as_ref()).map(|key| (key, "repeat"));
    let (key, how) = again.or(report.as_ref().map(|(key, _)| (key, "copy_to_report")))?;
    let (here, row, how) = (here(root, key.span()), local("row"), format_ident!("{how}"));
    Some(quote! {
        fn copy(#row: &Self::RowIn) -> ::core::option::Option<Self::RowIn> {
            ::core::option::Option::Some(#root::__private::#how(#here, #row))
        }
    })
}
