//! Stages of one value.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, ReturnType, spanned::Spanned as _};

use super::{
    Generics,
    call::{Names, at, call},
    parts, report,
};
use crate::{
    here::here,
    stage::{
        Stage,
        parse::{InputKind, Opened, Own, Yields},
    },
};

pub(super) fn synchronous(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let verdict = verdict(stage, generics, &names, root);
    let kept = report::kept(stage, &names, root, false);
    let Names { input, context, need } = names;
    quote! {
        #[automatically_derived]
        impl #parameters #root::__private::SyncStage for #name #arguments #bounds {
            #[inline]
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call(#input: Self::In, #context: &#root::Context, #need: &Self::Need) -> #root::__private::Verdict<Self::Out> {
                #kept
                #verdict
            }
        }
    }
}

pub(super) fn asynchronous(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let verdict = verdict(stage, generics, &names, root);
    let kept = report::kept(stage, &names, root, false);
    let future = future(stage, &quote!(#kept #verdict));
    let Names { input, context, need } = names;
    quote_spanned! {name.span()=>
        #[automatically_derived]
        impl #parameters #root::__private::AsyncStage for #name #arguments #bounds {
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn call<'a>(
                #input: Self::In,
                #context: &'a #root::Context,
                #need: &'a Self::Need,
            ) -> impl ::core::future::Future<Output = #root::__private::Verdict<Self::Out>> + ::core::marker::Send + 'a {
                #future
            }
        }
    }
}

/// A stage that may be called again: the value is lent, and a function that takes it as its own gets a copy.
pub(super) fn again(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let names = Names::new();
    let verdict = verdict(stage, generics, &names, root);
    let kept = report::kept(stage, &names, root, true);
    let future = future(stage, &verdict);
    let Names { input, context, need } = names;
    let copy = match (&stage.settings.retry, stage.input.kind) {
        (Some(retry), InputKind::Value) => {
            let here = here(root, retry.key.span());
            Some(quote!(let #input = #root::__private::repeat(#here, #input);))
        }
        _ => None,
    };
    quote_spanned! {name.span()=>
        #[automatically_derived]
        impl #parameters #root::__private::AgainStage for #name #arguments #bounds {
            #[allow(unused_variables, deprecated, clippy::all, clippy::pedantic)]
            fn again<'a>(
                #input: &'a Self::In,
                #context: &'a #root::Context,
                #need: &'a Self::Need,
            ) -> impl ::core::future::Future<Output = #root::__private::Verdict<Self::Out>> + ::core::marker::Send + 'a {
                #kept
                #copy
                #future
            }
        }
    }
}

/// A future that must be `Send`: if it is not, that is told at the function's name.
pub(super) fn future(stage: &Stage, body: &TokenStream) -> TokenStream {
    let span = stage.function.sig.ident.span();
    quote_spanned!(span=> async move { #body })
}

/// The call, and the `Verdict` of its result.
pub(super) fn verdict(stage: &Stage, generics: &Generics, names: &Names, root: &TokenStream) -> TokenStream {
    let result = at(&stage.output.error, "result");
    let call = result_of(stage, &call(stage, generics, names, root), &result, root);
    let verdict = quote!(#root::__private::Verdict);
    let again = again_if(stage, root);
    let verdict = match stage.output.opened {
        Opened::Result if again.is_some() => quote!(#verdict::of_result_if(#result, #again)),
        Opened::ResultOption if again.is_some() => quote!(#verdict::of_both_if(#result, #again)),
        Opened::Nothing => quote!(#verdict::Next(#result)),
        Opened::Result => quote!(#verdict::of_result(#result)),
        Opened::Option => quote!(#verdict::of_option(#result)),
        Opened::ResultOption => quote!(#verdict::of_both(#result)),
    };
    let verdict = report::ended(stage, &verdict);
    quote! {
        #call
        #verdict
    }
}

/// The call, and its result in a variable: a `Result` and an `Option` are those of the standard library, and the output owns
/// its data.
pub(super) fn result_of(
    stage: &Stage,
    call: &TokenStream,
    result: &Ident,
    root: &TokenStream,
) -> TokenStream {
    let at = match &stage.function.sig.output {
        ReturnType::Type(_, ty) => ty.span(),
        ReturnType::Default => return quote!(let #result = #call;),
    };
    let returned = Ident::new("__returned", at);
    let private = quote!(#root::__private);
    let owned = match &stage.output.own {
        Some(Own { lends, ty }) if stage.output.yields == Yields::Value => quote! {
            #[allow(unused_imports)]
            use #private::MayLend as _;
            let #returned: #ty = #lends::own(#call);
        },
        _ => quote!(let #returned = #call;),
    };
    let standard = match stage.output.opened {
        Opened::Nothing => quote!(#returned),
        Opened::Result => quote_spanned!(at=> #private::result(#returned)),
        Opened::Option => quote_spanned!(at=> #private::option(#returned)),
        Opened::ResultOption => quote_spanned!(at=> #private::result(#returned).map(#private::option)),
    };
    quote! {
        #owned
        let #result = #standard;
    }
}

/// Which errors are worth another attempt.
fn again_if(stage: &Stage, root: &TokenStream) -> Option<TokenStream> {
    stage.settings.retry.as_ref()?;
    if let Some((_, decides)) = &stage.settings.retry_if {
        return Some(quote!(#decides));
    }
    Some(quote! {
        |error| {
            #[allow(unused_imports)]
            use #root::__private::{SaysNothing as _, SaysSo as _};
            (&#root::__private::Asked(error)).may_pass()
        }
    })
}
