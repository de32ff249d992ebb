//! The function's return type, and how a value comes out of it.

mod batch;
mod items;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::{
    Error, GenericArgument, Ident, ReturnType, Type, TypeImplTrait, TypeParamBound, parse_quote,
    spanned::Spanned as _,
};

use super::{
    attribute::Settings,
    function::Function,
    input::{Input, InputKind},
    types::{is, is_batch, mentions, open, owned, peel},
};
use crate::stage::fault::{Faults, fault, show};
pub(in crate::stage) use batch::lifetimes;
use batch::{read, transformed};
pub(super) use items::forever;
use items::{has_no_name, items, stand_in};

/// The wrappers to be opened before there is a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Opened {
    Nothing,
    Result,
    Option,
    ResultOption,
}

impl Opened {
    pub(in crate::stage) fn may_skip(self) -> bool {
        matches!(self, Self::Option | Self::ResultOption)
    }

    pub(in crate::stage) fn may_fail(self) -> bool {
        matches!(self, Self::Result | Self::ResultOption)
    }
}

/// The content of the wrappers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Yields {
    Value,
    /// An iterator over values.
    Items,
    /// An iterator over results.
    Results,
}

/// The output of the function.
pub(in crate::stage) struct Output {
    pub(in crate::stage) opened: Opened,
    pub(in crate::stage) yields: Yields,
    /// The payload: of a batch, that of a row.
    pub(in crate::stage) payload: TokenStream,
    /// Where an error comes from, to point at.
    pub(in crate::stage) error: TokenStream,
    /// Types that were taken for plain, of functions without parameters of type.
    pub(in crate::stage) plain: Vec<Type>,
    /// The type as written, where only the compiler can tell its items.
    pub(in crate::stage) opaque: Option<Type>,
    /// The same, where its items do not depend on its borrows.
    pub(in crate::stage) iterable: Option<Type>,
    /// Set where the output may borrow from the call.
    pub(in crate::stage) own: Option<Own>,
}

/// Turns a value that may borrow into one that owns its data, or into a fault.
pub(in crate::stage) struct Own {
    /// `Lends` of the type as written.
    pub(in crate::stage) lends: TokenStream,
    /// The type of the owned value.
    pub(in crate::stage) ty: TokenStream,
}

impl Output {
    /// A value that is given as it is.
    fn of(payload: TokenStream) -> Self {
        Self {
            opened: Opened::Nothing,
            yields: Yields::Value,
            error: payload.clone(),
            payload,
            plain: Vec::new(),
            opaque: None,
            iterable: None,
            own: None,
        }
    }
}

pub(in crate::stage) fn output(
    settings: &Settings,
    function: &Function,
    input: Option<&Input>,
    faults: &mut Faults,
) -> Option<Output> {
    let unit: Type = parse_quote!(());
    let returned = match &function.sig.output {
        ReturnType::Default => &unit,
        ReturnType::Type(_, ty) => peel(ty),
    };
    let result = match (&settings.batch, input.map(|input| input.kind)) {
        (Some(_), Some(InputKind::Batch)) => read(returned, function),
        (Some(_), Some(InputKind::BatchMut)) => transformed(returned, settings, function, faults),
        (Some(_), _) => return None,
        (None, _) => single(returned, settings, function),
    };
    let mut output = faults.keep(result)?;
    let names: Vec<&Ident> = function
        .sig
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            syn::GenericParam::Type(param) => Some(&param.ident),
            syn::GenericParam::Const(param) => Some(&param.ident),
            syn::GenericParam::Lifetime(_) => None,
        })
        .collect();
    output.plain.retain(|ty| !mentions(ty.to_token_stream(), &names));
    Some(output)
}

/// Opens `Result` and `Option`, as they are written.
fn opened(returned: &Type) -> Result<(Opened, &Type, TokenStream), Error> {
    let fails = is(returned, "Result");
    let inside = match open(returned, "Result") {
        Some(inside) => peel(inside),
        None if fails => {
            let help = "write `Result<U, E>`";
            return Err(fault(returned, format!("`{}` does not say what flows on", show(returned)), help));
        }
        None => returned,
    };
    let skips = is(inside, "Option");
    let payload = open(inside, "Option").map_or(inside, peel);
    let opened = match (fails, skips) {
        (true, true) => Opened::ResultOption,
        (true, false) => Opened::Result,
        (false, true) => Opened::Option,
        (false, false) => Opened::Nothing,
    };
    if opened != Opened::Nothing && (is(payload, "Result") || is(payload, "Option")) {
        let (what, help) = if opened == Opened::Option && is(payload, "Result") {
            (
                "an `Err` in there would be healed, and its record lost",
                "write `Result<Option<U>, E>`, with `.transpose()`",
            )
        } else {
            (
                "what is in there would pass for a value",
                "write `U`, `Result<U, E>`, `Option<U>` or `Result<Option<U>, E>`",
            )
        };
        return Err(fault(payload, format!("`{}` inside `{}`: {what}", head(payload), head(returned)), help));
    }
    let error = if fails { error_of(returned) } else { returned.to_token_stream() };
    Ok((opened, payload, error))
}

fn head(ty: &Type) -> &'static str {
    if is(ty, "Result") { "Result" } else { "Option" }
}

/// `E` of `Result<U, E>`; the whole type where an alias has only one argument.
fn error_of(returned: &Type) -> TokenStream {
    let Type::Path(path) = returned else { return returned.to_token_stream() };
    let second = path.path.segments.last().and_then(|last| match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().filter(|argument| matches!(argument, GenericArgument::Type(_))).nth(1)
        }
        _ => None,
    });
    second.map_or_else(|| returned.to_token_stream(), ToTokens::to_token_stream)
}

const OWNS: &str = "what flows on must own its data";

fn single(returned: &Type, settings: &Settings, function: &Function) -> Result<Output, Error> {
    let (opened, payload, error) = opened(returned)?;
    let mut plain = vec![payload.clone()];
    if settings.flat.is_some() {
        let (yields, item) = items(payload)?;
        plain.extend(item.as_ref().map(|item| peel(item).clone()));
        let (mut iterable, mut opaque) = (None, None);
        let payload = if let Some(item) = item {
            owned(&item, OWNS)?;
            item.to_token_stream()
        } else {
            let known = stand_in(payload)?;
            let ty = forever(&known);
            let item = quote_spanned!(ty.span()=> <#ty as ::core::iter::IntoIterator>::Item);
            // Bounds on a type that borrows would ask the call's own iterator to borrow for ever.
            iterable = (ty == *payload && lifetimes(function) == 0).then_some(ty);
            opaque = Some(known);
            item
        };
        plain.retain(|ty| !has_no_name(ty) && owned(ty, OWNS).is_ok());
        return Ok(Output { opened, yields, error, plain, opaque, iterable, ..Output::of(payload) });
    }
    refuse_unnamed(payload, function)?;
    if is_batch(payload) {
        let help = "write `#[stage(batch)]` and take a `BatchMut<'_, T>`";
        return Err(fault(payload, "a batch comes out of a stage that takes single values", help));
    }
    owned(payload, OWNS)?;
    Ok(Output { opened, error, plain, ..Output::of(payload.to_token_stream()) })
}

fn refuse_unnamed(payload: &Type, function: &Function) -> Result<(), Error> {
    match payload {
        Type::ImplTrait(opaque) if is_future(opaque) => Err(fault(
            payload,
            "a future flows on that nobody would poll: its records would be healed without it",
            format!("write `async fn {}`", function.sig.ident),
        )),
        Type::ImplTrait(_) => Err(fault(
            payload,
            "the type that flows on has no name: it can't be compared with what the next stage takes",
            "write the type, or `Box<dyn Trait + Send>`; for many values write `#[stage(flat)]` with `impl Iterator<Item = U>`",
        )),
        Type::Never(_) => Err(fault(
            payload,
            "this never returns: its records would stay pending for ever",
            "return a value, or a `Result`",
        )),
        _ => Ok(()),
    }
}

fn is_future(opaque: &TypeImplTrait) -> bool {
    opaque.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Future"),
        _ => false,
    })
}
