//! Stages of whole batches.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    Generics,
    call::{Names, at, call},
    parts,
    single::future,
};
use crate::stage::Stage;

/// Reads: `&Rows<T>`.
pub(super) fn rows(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(&stage.function.sig.ident, generics);
    let names = Names::new();
    let body = body(stage, generics, &names, root);
    let future = future(stage, &body);
    let Names { input, need, .. } = names;
    let row = &stage.input.payload;
    let blocking = stage.function.sig.asyncness.is_none();
    quote_spanned! {name.span()=>
        #[automatically_derived]
        impl #parameters #root::__private::RowsStage for #name #arguments #bounds {
            type Row = #row;
            const BLOCKING: bool = #blocking;
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call<'a>(
                #input: &'a #root::Rows<Self::Row>,
                #need: &'a Self::Need,
            ) -> impl ::core::future::Future<Output = ::core::result::Result<(), #root::BoxError>> + ::core::marker::Send + 'a {
                #future
            }
        }
    }
}

/// Transforms: `Batch<'b, T>`.
pub(super) fn transformed(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(&stage.function.sig.ident, generics);
    let names = Names::new();
    let body = body(stage, generics, &names, root);
    let future = future(stage, &body);
    let Names { input, need, .. } = names;
    let (row_in, row_out) = (&stage.input.payload, &stage.output.payload);
    let blocking = stage.function.sig.asyncness.is_none();
    quote_spanned! {name.span()=>
        #[automatically_derived]
        impl #parameters #root::__private::BatchStage for #name #arguments #bounds {
            type RowIn = #row_in;
            type RowOut = #row_out;
            const BLOCKING: bool = #blocking;
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call<'b>(
                #input: #root::Batch<'b, Self::RowIn>,
                #need: &'b Self::Need,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<#root::Batch<'b, Self::RowOut>, #root::BoxError>,
            > + ::core::marker::Send + 'b {
                #future
            }
        }
    }
}

fn body(stage: &Stage, generics: &Generics, names: &Names, root: &TokenStream) -> TokenStream {
    let call = call(stage, generics, names);
    let result = at(&stage.output.error, "result");
    let end = if stage.output.opened.may_fail() {
        quote!(#result.map_err(#root::__private::Verdict::<()>::error))
    } else {
        quote!(::core::result::Result::Ok(#result))
    };
    quote! {
        let #result = #call;
        #end
    }
}
