//! The items that are written beside the function.

mod batch;
mod broken;
mod call;
mod flat;
mod generics;
mod lent;
mod report;
mod single;

use std::{iter, time::Duration};

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    FnArg, Ident, PatType, Type, TypeReference, Visibility, ext::IdentExt as _, spanned::Spanned as _,
};

pub(super) use broken::broken;

use super::{
    Stage,
    fault::show,
    parse::{Function, InputKind, Most, OnError, Order, Settings, is_unknown},
};
use crate::{here::here, looks::looks, times::constant};
use generics::Generics;

/// The function as it was, and the node.
pub(super) fn stage(mut stage: Stage) -> TokenStream {
    let root = stage.settings.krate(stage.function.sig.ident.span());
    let signature = signature(&stage);
    let owned = lent::settle(&mut stage, &root);
    let (stage, function) = (&stage, &stage.function);
    let (iterable, batch) = (stage.output.iterable.as_ref(), stage.input.bound.as_ref());
    let generics = Generics::new(&function.sig, &stage.parameters.state, iterable, batch);
    let generics = match &signature {
        Some(signature) => generics.seen_as(signature),
        None => generics,
    };
    let node = node(function, &generics);
    let header = header(stage, &generics, &root);
    let (name, parameters, arguments, bounds) = parts(&generics);
    let work = match (stage.settings.flat.is_some(), stage.input.kind) {
        (_, InputKind::Batch) => batch::rows(stage, &generics, &root),
        (_, InputKind::BatchMut) => batch::transformed(stage, &generics, &root),
        (true, _) => flat::flat(stage, &generics, &root),
        (false, _) if stage.settings.retry.is_some() => single::again(stage, &generics, &root),
        (false, _) if function.sig.asyncness.is_some() => single::asynchronous(stage, &generics, &root),
        (false, _) => single::synchronous(stage, &generics, &root),
    };
    let input = taken(stage, &root);
    let accepts = if matches!(stage.input.kind, InputKind::Batch | InputKind::BatchMut) {
        let (flows, bounds) = (local("In"), generics.bounds_and());
        let parameters = generics.parameters_and(&flows);
        let row = &stage.input.payload;
        quote_spanned! {input.span()=>
            #[automatically_derived]
            #[allow(trivial_bounds)]
            impl #parameters #root::__private::Accepts<#flows> for #name #arguments
            #bounds #flows: #root::__private::Gathered<#row> {}
        }
    } else {
        quote_spanned! {input.span()=>
            #[automatically_derived]
            #[allow(trivial_bounds)]
            impl #parameters #root::__private::Accepts<#input> for #name #arguments #bounds {}
        }
    };
    let keep = stage.settings.checkpoint.as_ref().map(|_| checkpointed(stage, &generics, &root));
    let plain = plain(stage, &root);
    let parallel = parallel(stage, &generics, &root);
    let slices = borrows_a_buffer(function).then(|| quote!(#[allow(clippy::ptr_arg)]));
    let node = beside(&root, &node, &quote!(#header #work #accepts #keep #parallel #plain #owned));
    quote! {
        #slices
        #function
        #node
    }
}

/// The node, with the items that go with it in an attribute of it. In an `impl` or a `trait`, where a function can't be a
/// stage, the compiler then refuses one item and not each.
fn beside(root: &TokenStream, node: &Node, items: &TokenStream) -> TokenStream {
    let Node { attributes, item, made } = node;
    quote! {
        #attributes
        #[#root::__private::beside(#made #items)]
        #item
    }
}

/// Whether a stage borrows its input as a `&Vec<u8>`, a `&String` or the like, where clippy would have a slice.
fn borrows_a_buffer(function: &Function) -> bool {
    function.sig.inputs.iter().any(|input| {
        let FnArg::Typed(PatType { ty, .. }) = input else { return false };
        let Type::Reference(TypeReference { elem, .. }) = &**ty else { return false };
        let Type::Path(path) = &**elem else { return false };
        let last = path.path.segments.last();
        last.is_some_and(|last| ["Vec", "String", "PathBuf"].iter().any(|name| last.ident == name))
    })
}

/// Name and generics as they stand in an `impl`.
fn parts(generics: &Generics) -> (&Ident, &TokenStream, &TokenStream, &TokenStream) {
    (&generics.name, &generics.parameters, &generics.of_node, &generics.bounds)
}

/// `fn(In, State, Out)`, where the node may be seen further than these types. All of them are parameters, as a lifetime that one of
/// them leaves out is said elsewhere.
fn signature(stage: &Stage) -> Option<TokenStream> {
    if matches!(stage.function.vis, Visibility::Inherited) {
        return None;
    }
    let Stage { input, output, parameters, .. } = stage;
    let out = output.opaque.as_ref().map_or_else(|| output.payload.clone(), ToTokens::to_token_stream);
    let states = parameters.state.iter().map(|ty| quote!(&'static #ty));
    let all: Vec<_> = iter::once(input.payload.clone()).chain(states).chain([out]).collect();
    all.iter().any(is_unknown).then(|| quote!(fn(#(#all),*)))
}

/// A type with the function's name, and the function `stage()` that makes a value of it.
struct Node {
    attributes: TokenStream,
    item: TokenStream,
    made: TokenStream,
}

/// Functions and types have namespaces of their own.
fn node(function: &Function, generics: &Generics) -> Node {
    let vis = &function.vis;
    let Generics { name, declared, signed, arguments, of_node, wheres, marks, .. } = generics;
    let doc = format!("The node of [`{0}`](fn@{0}), for `then`.", function.sig.ident.unraw());
    let (field, value) = if marks.is_empty() {
        (TokenStream::new(), TokenStream::new())
    } else {
        (quote!(p: ::core::marker::PhantomData<fn() -> (#marks)>), quote!(p: ::core::marker::PhantomData))
    };
    let (allowed, made) = match signed {
        Some(_) => (
            quote!(dead_code, private_bounds, private_interfaces),
            quote!(#name #of_node #wheres { #name { #value } }),
        ),
        None => (quote!(dead_code), quote!(Self { Self { #value } })),
    };
    let all = signed.as_ref().unwrap_or(declared);
    Node {
        attributes: quote! {
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
        },
        item: quote!(#vis struct #name #all { #field }),
        made: quote! {
            #[automatically_derived]
            #[allow(#allowed)]
            impl #declared #name #arguments {
                #[doc = #doc]
                #[must_use]
                #vis fn stage() -> #made
            }
        },
    }
}

/// `impl Stage`.
fn header(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let function = &stage.function.sig.ident;
    let kind = kind(stage, root);
    let kind = if stage.settings.checkpoint.is_some() {
        quote!(#root::__private::Checkpointed<#kind>)
    } else {
        kind
    };
    let input = taken(stage, root);
    let output = given(stage, root);
    let need = need(stage, root);
    let text = function.unraw().to_string();
    let skip = stage.settings.skip.as_ref().map_or_else(|| text.clone(), |(_, reason)| reason.value());
    let context = stage.parameters.context.is_some();
    let policy = policy(stage, root);
    let shown = (!matches!(stage.input.kind, InputKind::Batch | InputKind::BatchMut)).then(|| shown(root));
    let reported = report::header(stage, root);
    quote! {
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #parameters #root::__private::Stage for #name #arguments #bounds {
            type In = #input;
            type Out = #output;
            type Need = #need;
            type Kind = #kind;
            const NAME: &'static str = #text;
            const CONTEXT: bool = #context;
            const SKIP: &'static str = #skip;
            const POLICY: #root::__private::Policy = #policy;
            #shown
            #reported
        }
    }
}

/// The input and the output as JSON, where their types have that form.
fn shown(root: &TokenStream) -> TokenStream {
    let (value, into) = (local("value"), local("into"));
    let method = |name: &str, of: &str| {
        let (name, of) = (format_ident!("{name}"), format_ident!("{of}"));
        quote! {
            fn #name(#value: &Self::#of, #into: &mut ::std::vec::Vec<u8>) -> bool {
                #[allow(unused_imports)]
                use #root::__private::{HasJson as _, HasNone as _};
                (&#root::__private::Shown(#value)).json(#into)
            }
        }
    };
    let (input, output) = (method("input_json", "In"), method("output_json", "Out"));
    quote!(#input #output)
}

/// The attribute's settings for failures.
fn policy(stage: &Stage, root: &TokenStream) -> TokenStream {
    let Settings { retry, timeout, rate, circuit_breaker, split, on_error, .. } = &stage.settings;
    let policy = quote!(#root::__private::Policy);
    let attempts = retry.as_ref().map(|retry| {
        let attempts = &retry.attempts;
        quote!(attempts: #attempts,)
    });
    let backoff = retry.as_ref().and_then(|retry| retry.backoff).map(|(least, most)| {
        let (least, most) = (constant(least), constant(most));
        quote!(backoff: (#least, #most),)
    });
    let jitter =
        retry.as_ref().and_then(|retry| retry.jitter.as_ref()).map(|jitter| quote!(jitter: #jitter,));
    let some = |time: Duration| {
        let time = constant(time);
        quote!(::core::option::Option::Some(#time))
    };
    let timeout = timeout.as_ref().map(|(_, time)| some(*time)).map(|time| quote!(timeout: #time,));
    let on_error = on_error.as_ref().map(|(_, on_error)| {
        let resort = match on_error {
            OnError::Stop => quote!(Stop),
            OnError::Skip => quote!(Skip),
            OnError::DeadLetter(Some(topic), _) => quote!(DeadLetter(#topic)),
            OnError::DeadLetter(None, _) => quote!(ConfiguredDeadLetter),
        };
        quote!(on_error: ::core::option::Option::Some(#root::__private::LastResort::#resort),)
    });
    let rate = rate.as_ref().map(|(_, time)| some(*time)).map(|time| quote!(rate: #time,));
    let breaker = circuit_breaker.as_ref().map(|breaker| {
        let failures = &breaker.failures;
        let pause = constant(breaker.pause.unwrap_or(Duration::from_secs(30)));
        quote!(breaker: ::core::option::Option::Some((#failures, #pause)),)
    });
    let split = split.as_ref().map(|_| quote!(split: true,));
    let quarantine = match &stage.settings.on_error {
        Some((_, OnError::DeadLetter(_, Some(_)))) => Some(quote!(quarantine: true,)),
        _ => None,
    };
    let all = [quarantine, attempts, backoff, jitter, timeout, rate, breaker, split, on_error];
    if all.iter().all(Option::is_none) {
        return quote!(#policy::NONE);
    }
    quote!(#policy { #(#all)* ..#policy::NONE })
}

/// A tuple, at the first type in it.
fn need(stage: &Stage, root: &TokenStream) -> TokenStream {
    let all = &stage.parameters.state;
    let arcs = all.iter().map(|state| quote_spanned!(state.span()=> #root::__private::Arc<#state>));
    let span = all.first().map_or_else(Span::call_site, syn::spanned::Spanned::span);
    quote_spanned!(span=> (#(#arcs,)*))
}

fn kind(stage: &Stage, root: &TokenStream) -> TokenStream {
    let asynchronous = stage.function.sig.asyncness.is_some();
    let settings = &stage.settings;
    let calls = format_ident!("{}", if asynchronous { "Awaited" } else { "Blocking" });
    let mut calls = quote!(#root::__private::#calls);
    if settings.retry.is_some() {
        calls = quote!(#root::__private::Again<#calls>);
    }
    if settings.batch.is_none() && settings.parallel.is_some() {
        return quote!(#root::__private::ParallelKind<#calls>);
    }
    let calls_alone =
        settings.rate.is_none() && settings.circuit_breaker.is_none() && settings.blocking.is_none();
    if settings.retry.is_some() && settings.batch.is_none() && !asynchronous && calls_alone {
        return quote!(#root::__private::RetryingKind);
    }
    // A pause holds up nobody else: not on the thread that polls.
    if settings.batch.is_none() && (settings.blocking.is_some() || settings.pauses()) {
        return quote!(#root::__private::TaskKind<#calls>);
    }
    let kind = match (stage.input.kind, settings.flat.is_some(), asynchronous) {
        (InputKind::Batch, _, _) => "Batch",
        (InputKind::BatchMut, _, _) => "BatchMut",
        (_, true, _) => "Flat",
        (_, false, true) => return quote!(#root::__private::TaskKind<#calls>),
        (_, false, false) => "Sync",
    };
    let kind = format_ident!("{kind}Kind");
    quote!(#root::__private::#kind)
}

/// `impl ParallelStage`.
fn parallel(stage: &Stage, generics: &Generics, root: &TokenStream) -> Option<TokenStream> {
    let (_, most) = stage.settings.parallel.as_ref()?;
    let (name, parameters, arguments, bounds) = parts(generics);
    let order = match (&stage.settings.order, &stage.settings.keyless) {
        (Some((_, Order::Partition)), _) => quote!(Partition),
        (Some((_, Order::None)), _) => quote!(None),
        (Some((_, Order::KeyOf(path))), _) => {
            let name = show(&path.to_token_stream());
            quote!(KeyOf(#name))
        }
        (_, Some((_, true))) => quote!(KeyIfAny),
        _ => quote!(Key),
    };
    let order_key = order_key(stage, root);
    let kind = quote!(#root::__private::Most);
    let message = match most {
        Most::Fixed(_) => {
            "with `parallel = 0` no record would ever be worked on\n  help: the least is `parallel = 1`"
        }
        Most::Auto(_) => {
            "the first bound of `auto` is at least 1, and the second no lower than the first\n  help: write `parallel = auto(4..64)`"
        }
    };
    let (at, most) = match most {
        Most::Fixed(most) => (most.span(), quote!(#kind::Fixed(#most))),
        Most::Auto(Some((least, most))) => (least.span(), quote!(#kind::Auto { least: #least, most: #most })),
        Most::Auto(None) => (Span::call_site(), quote!(#kind::Auto { least: 1, most: 256 })),
    };
    // Where the numbers are known here, they are looked at here.
    let check = quote_spanned!(at=> ::core::assert!(#most.is_sound(), "{}", #message));
    let check = (!stage.function.is_generic()).then(|| quote!(const _: () = #check;));
    Some(quote! {
        #check
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #parameters #root::__private::ParallelStage for #name #arguments #bounds {
            const PARALLEL: #root::__private::Parallel =
                #root::__private::Parallel { most: #most, order: #root::__private::Order::#order };
            #order_key
        }
    })
}

/// The hash of a record's key, where a function gives it; a fault of types is at its path.
fn order_key(stage: &Stage, root: &TokenStream) -> Option<TokenStream> {
    let Some((_, Order::KeyOf(path))) = &stage.settings.order else { return None };
    let value = Ident::new("__value", Span::mixed_site().located_at(path.span()));
    let key = quote_spanned!(path.span()=> #root::__private::order_key(&#path(#value)));
    Some(quote! {
        fn order_key(#value: &Self::In) -> ::core::option::Option<u64> {
            ::core::option::Option::Some(#key)
        }
    })
}

/// The type that flows into the node.
fn taken(stage: &Stage, root: &TokenStream) -> TokenStream {
    of_rows(stage, stage.input.payload.clone(), root)
}

/// The type that flows out of the node.
fn given(stage: &Stage, root: &TokenStream) -> TokenStream {
    let payload = match stage.input.kind {
        InputKind::Batch => &stage.input.payload,
        _ => &stage.output.payload,
    };
    of_rows(stage, payload.clone(), root)
}

fn of_rows(stage: &Stage, payload: TokenStream, root: &TokenStream) -> TokenStream {
    match stage.input.kind {
        InputKind::Batch | InputKind::BatchMut => quote_spanned!(payload.span()=> #root::Batch<#payload>),
        _ => payload,
    }
}

/// `impl CheckpointedStage`, for `#[checkpoint]`; a fault is at the payload's type.
fn checkpointed(stage: &Stage, generics: &Generics, root: &TokenStream) -> TokenStream {
    let (name, parameters, arguments, bounds) = parts(generics);
    let payload = &stage.output.payload;
    let here = here(root, payload.span());
    let (value, into) = (local("value"), local("into"));
    // A kept value counts as done. Of a generic stage only `build` knows the type.
    let looks = (!stage.function.is_generic()).then(|| {
        let flow =
            quote!(#root::__private::typed::flow::<<#name #arguments as #root::__private::Stage>::Out>());
        let looks = looks(root, &flow, payload.span());
        quote!(const _: () = { #looks };)
    });
    quote! {
        #looks
        #[automatically_derived]
        #[allow(trivial_bounds)]
        impl #parameters #root::__private::CheckpointedStage for #name #arguments #bounds {
            fn encode(#value: &Self::Out, #into: &mut ::std::vec::Vec<u8>) -> ::core::result::Result<(), #root::BoxError> {
                #root::__private::encode_checkpoint(#here, #value, #into)
            }
        }
    }
}

/// A `Result` behind an alias was taken for a payload: only the compiler can see that.
fn plain(stage: &Stage, root: &TokenStream) -> TokenStream {
    stage.output.plain.iter().filter(|ty| matches!(ty, Type::Path(_) | Type::Macro(_))).map(|ty| {
        let message = format!(
            "`{}` is another name of a `Result` or an `Option`: it would pass for a value, and an `Err` in it would be healed and lost\n  \
             help: write `Result<…>` or `Option<…>` in the signature",
            show(&ty.to_token_stream())
        );
        let shape = quote_spanned!(ty.span()=> <#root::__private::Shape<#ty>>::PLAIN);
        let check = quote_spanned!(ty.span()=> ::core::assert!(#shape, "{}", #message));
        quote! {
            const _: () = {
                #[allow(unused_imports)]
                use #root::__private::PlainShape as _;
                #check
            };
        }
    }).collect()
}

/// A name that nothing of the user's can clash with: a constant would, in spite of hygiene.
fn local(name: &str) -> Ident {
    format_ident!("__{name}", span = Span::mixed_site())
}
