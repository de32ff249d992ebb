//! Stages that give many values for one.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    Generics,
    call::{Names, at, call},
    local, parts, report,
    single::{future, result_of},
};
use crate::stage::{
    Stage,
    parse::{Opened, Yields},
};

pub(super) fn flat(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let outlet = local("outlet");
    let body = body(stage, generics, &names, root);
    let kept = report::kept(stage, &names, root, false);
    let future = future(stage, &quote!(#kept #body));
    let Names { input, context, need } = names;
    let asynchronous = stage.function.sig.asyncness.is_some();
    quote_spanned! {name.span()=>
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #parameters #root::__private::FlatStage for #name #arguments #bounds {
            const ASYNC: bool = #asynchronous;
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call<'a>(
                #input: Self::In,
                #context: &'a #root::Context,
                #need: &'a Self::Need,
                #outlet: &'a #root::__private::Outlet<Self::Out>,
            ) -> impl ::core::future::Future<Output = ::core::result::Result<(), #root::BoxError>> + ::core::marker::Send + 'a {
                #future
            }
        }
    }
}

/// Opens what was returned and gives item by item.
fn body(stage: &Stage, generics: &Generics, names: &Names, root: &TokenStream) -> TokenStream {
    let result = at(&stage.output.error, "result");
    let call = result_of(stage, &call(stage, generics, names, root), &result, root);
    let (outlet, items, item) = (local("outlet"), local("items"), local("item"));
    let error = local("error");
    let ok = quote!(::core::result::Result::Ok);
    let err = quote!(::core::result::Result::Err);
    let boxed = quote!(#root::__private::Verdict::<()>::error);
    let mut opened = quote!(#items);
    if stage.output.opened.may_skip() {
        opened = quote! {
            match #opened {
                ::core::option::Option::Some(#items) => #items,
                ::core::option::Option::None => return #ok(()),
            }
        };
    }
    if stage.output.opened.may_fail() {
        opened = quote! {{
            let #items = match #result {
                #ok(#items) => #items,
                #err(#error) => return #err(#boxed(#error)),
            };
            #opened
        }};
    } else if stage.output.opened != Opened::Nothing {
        opened = quote!({ let #items = #result; #opened });
    } else {
        opened = quote!(#result);
    }
    let value = if stage.output.yields == Yields::Results {
        quote! {
            match #item {
                #ok(#item) => #item,
                #err(#error) => return #err(#boxed(#error)),
            }
        }
    } else {
        quote!(#item)
    };
    let given = stage.output.own.as_ref().map_or_else(
        || quote!(#item),
        |own| {
            let lends = &own.lends;
            quote!({
                #[allow(unused_imports)]
                use #root::__private::MayLend as _;
                #lends::own(#item)
            })
        },
    );
    let done = stage.settings.report.as_ref().map(|_| {
        let kept = local("kept");
        quote!(#kept.done();)
    });
    quote! {
        #call
        for #item in #opened {
            let #item = #value;
            #outlet.give(#given).await;
        }
        #done
        #ok(())
    }
}
