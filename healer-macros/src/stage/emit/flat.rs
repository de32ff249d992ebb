//! Stages that give many values for one.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

use super::{
    Generics,
    call::{Names, at, call},
    local, parts, report,
    single::{future, result_of},
};
use crate::stage::{
    Stage,
    parse::{InputKind, Opened, Yields},
};

pub(super) fn flat(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let outlet = local("outlet");
    let body = body(stage, generics, &names, root);
    let kept = report::kept(stage, &names, root, false);
    let future = future(stage, &quote!(#kept #body));
    let list = list(stage, generics, &names, root);
    let Names { input, context, need } = names;
    let asynchronous = stage.function.sig.asyncness.is_some();
    quote_spanned! {name.span()=>
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #parameters #root::__private::FlatStage for #name #arguments #bounds {
            const ASYNC: bool = #asynchronous;
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn list() -> &'static ::core::primitive::str {
                #list
            }
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

/// Calls the function and opens its result in a closure that nobody calls, so that the compiler knows the list's type.
fn list(stage: &Stage, generics: &Generics, names: &Names, root: &TokenStream) -> TokenStream {
    let none = quote!(::core::option::Option::None);
    let (call, opened) = opened(stage, generics, names, root, &none, |_| none.clone());
    let Names { input, context, need } = names;
    // The value is lent for ever, or the list could not leave the closure.
    let lent = (stage.input.kind == InputKind::Lent).then(|| quote!(&'static));
    quote! {
        #root::__private::name_of_list(
            |(#input, #context, #need): (#lent Self::In, &'static #root::Context, &'static Self::Need)| async move {
                #call
                ::core::option::Option::Some(#opened)
            },
        )
    }
}

/// The call, and the list in its result. The function around them returns `none` if there is no list, and `failed` of an error.
fn opened(
    stage: &Stage,
    generics: &Generics,
    names: &Names,
    root: &TokenStream,
    none: &TokenStream,
    failed: impl FnOnce(&Ident) -> TokenStream,
) -> (TokenStream, TokenStream) {
    let result = at(&stage.output.error, "result");
    let call = result_of(stage, &call(stage, generics, names, root), &result, root);
    let (items, error) = (local("items"), local("error"));
    let mut opened = quote!(#items);
    if stage.output.opened.may_skip() {
        opened = quote! {
            match #opened {
                ::core::option::Option::Some(#items) => #items,
                ::core::option::Option::None => return #none,
            }
        };
    }
    if stage.output.opened.may_fail() {
        let failed = failed(&error);
        opened = quote! {{
            let #items = match #result {
                ::core::result::Result::Ok(#items) => #items,
                ::core::result::Result::Err(#error) => return #failed,
            };
            #opened
        }};
    } else if stage.output.opened != Opened::Nothing {
        opened = quote!({ let #items = #result; #opened });
    } else {
        opened = quote!(#result);
    }
    (call, opened)
}

/// Opens the returned value and gives item by item.
fn body(stage: &Stage, generics: &Generics, names: &Names, root: &TokenStream) -> TokenStream {
    let ok = quote!(::core::result::Result::Ok);
    let err = quote!(::core::result::Result::Err);
    let boxed = quote!(#root::__private::Verdict::<()>::error);
    let failed = |error: &Ident| quote!(#err(#boxed(#error)));
    let (call, opened) = opened(stage, generics, names, root, &quote!(#ok(())), failed);
    let (outlet, item, error) = (local("outlet"), local("item"), local("error"));
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
