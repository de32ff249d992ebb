//! The input: a value, a value that is lent, or a batch.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Error, Type, spanned::Spanned as _};

use super::{
    attribute::Settings,
    function::Function,
    output::forever,
    parameters::Parameters,
    types::{argument, is, is_batch, is_unknown, lifetime, owned, peel},
};
use crate::stage::fault::{Faults, fault, show};

/// How the function takes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum InputKind {
    Value,
    Lent,
    Batch,
    BatchMut,
}

/// The input.
pub(in crate::stage) struct Input {
    pub(in crate::stage) kind: InputKind,
    /// The payload: of a batch, that of a row.
    pub(in crate::stage) payload: TokenStream,
    /// The bound that makes the compiler check for a batch, where only the compiler can tell.
    pub(in crate::stage) bound: Option<TokenStream>,
}

impl Input {
    fn of(kind: InputKind, payload: TokenStream) -> Self {
        Self { kind, payload, bound: None }
    }
}

pub(in crate::stage) fn input(
    settings: &Settings,
    function: &Function,
    parameters: &Parameters,
    faults: &mut Faults,
) -> Option<Input> {
    let parameter = parameters.input.as_ref()?;
    let ty = peel(&parameter.ty);
    let input = if settings.batch.is_some() { batch(ty, settings, function) } else { single(ty, settings) };
    if input.is_err() && is(ty, "BatchMut") {
        // The compiler would speak about the brand as well.
        faults.hide_body();
    }
    faults.keep(input)
}

fn single(ty: &Type, settings: &Settings) -> Result<Input, Error> {
    let behind = match ty {
        Type::Reference(reference) => peel(&reference.elem),
        _ => ty,
    };
    if is_batch(behind) && (is(behind, "BatchMut") || settings.flat.is_none()) {
        let help = "write `#[stage(batch)]`";
        return Err(fault(ty, "a batch comes in, but the stage is not marked as one for batches", help));
    }
    if let Type::ImplTrait(_) = behind {
        let help = "write the type, or a parameter of type: `fn name<T: Trait>(value: T)`";
        return Err(fault(
            ty,
            "the type of the value has no name: it can't be compared with what flows in",
            help,
        ));
    }
    let Type::Reference(reference) = ty else {
        owned(ty, "what flows from node to node must own its data")?;
        return Ok(Input::of(InputKind::Value, ty.to_token_stream()));
    };
    if let Some(mutability) = &reference.mutability {
        let inner = show(&reference.elem);
        return Err(fault(
            mutability,
            "the value is lent, to be read: what a failed attempt changed could not be undone",
            format!("take `{inner}` and return the changed value, or take `&{inner}`"),
        ));
    }
    if reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
        return Ok(Input::of(InputKind::Value, ty.to_token_stream()));
    }
    owned(behind, "what flows from node to node must own its data")?;
    let payload = match behind {
        // The types that these are lent from.
        Type::Slice(slice) => {
            let elem = &slice.elem;
            quote_spanned!(ty.span()=> ::std::vec::Vec<#elem>)
        }
        Type::Path(path) if path.path.is_ident("str") => quote_spanned!(ty.span()=> ::std::string::String),
        Type::TraitObject(object) => {
            let help = "take the type that the node before gives";
            return Err(fault(
                object,
                "the type of the value is not known: it can't be compared with what flows in",
                help,
            ));
        }
        _ => quote!(#behind),
    };
    Ok(Input::of(InputKind::Lent, payload))
}

fn batch(ty: &Type, settings: &Settings, function: &Function) -> Result<Input, Error> {
    let takes = "take `&Batch<T>` to read a batch, or `BatchMut<'_, T>` to transform it";
    if let Type::Reference(reference) = ty {
        let behind = peel(&reference.elem);
        if is(behind, "Batch") && reference.mutability.is_none() {
            return Ok(Input::of(InputKind::Batch, row(behind)?));
        }
        if is_alias(behind) && reference.mutability.is_none() {
            let root = settings.krate(behind.span());
            let payload = quote_spanned!(behind.span()=> <#behind as #root::__private::IsBatch>::Row);
            let bound = quote_spanned!(behind.span()=> #behind: #root::__private::IsBatch);
            return Ok(Input { bound: Some(bound), ..Input::of(InputKind::Batch, payload) });
        }
        if is(behind, "BatchMut") || is(behind, "Batch") {
            let message = "a batch is taken whole, so that every row of it comes back, or is only read";
            return Err(fault(ty, message, takes));
        }
    }
    if is(ty, "Batch") {
        let message = "rows are lent to a stage, which reads them: the engine keeps what it must account for";
        return Err(fault(ty, message, takes));
    }
    if is_alias(ty) && lifetime(ty).is_some() {
        let (bound, row) = row_of_alias(ty, settings);
        return Ok(Input { bound: Some(bound), ..Input::of(InputKind::BatchMut, row) });
    }
    if !is(ty, "BatchMut") {
        let message = format!("`#[stage(batch)]` gets whole batches, not a single `{}`", show(ty));
        let help =
            format!("{takes}; another name of `BatchMut` is written with its brand, as in `Orders<'_>`");
        return Err(fault(ty, message, if is_alias(ty) { &help } else { takes }));
    }
    match lifetime(ty) {
        Some(brand) if brand.ident == "static" => Err(fault(
            brand,
            "this brand is not the call's own: rows of another call would pass for these, and offsets would be swapped",
            "write `BatchMut<'_, T>`, or name the brand: `fn name<'b>(rows: BatchMut<'b, T>) -> BatchMut<'b, U>`",
        )),
        None if function.sig.asyncness.is_some() => Err(fault(
            ty,
            "the brand of the batch is missing: it says that the rows which come back are those that came in",
            format!("write `BatchMut<'_, {}>`", argument(ty).map(show).unwrap_or_default()),
        )),
        _ => Ok(Input::of(InputKind::BatchMut, row(ty)?)),
    }
}

/// Whether a type may be another name of a batch.
pub(super) fn is_alias(ty: &Type) -> bool {
    matches!(ty, Type::Path(_))
        && !is(ty, "BatchMut")
        && !is(ty, "Batch")
        && is_unknown(&ty.to_token_stream())
}

/// The type of a row, where another name of `BatchMut` may have its brand written, or left out.
pub(super) fn row_of_alias(ty: &Type, settings: &Settings) -> (TokenStream, TokenStream) {
    let root = settings.krate(ty.span());
    let ty = forever(ty);
    let ty = quote_spanned!(ty.span()=> <fn(&'static ()) -> #ty as #root::__private::Gives>::Out);
    let is_batch = quote_spanned!(ty.span()=> #root::__private::IsBatchMut);
    (quote_spanned!(ty.span()=> #ty: #is_batch), quote_spanned!(ty.span()=> <#ty as #is_batch>::Row))
}

fn row(ty: &Type) -> Result<TokenStream, Error> {
    let Some(row) = argument(ty) else {
        return Err(fault(ty, "the type of a row is missing", format!("write `{}<T>`", show(ty))));
    };
    if let Type::ImplTrait(_) = peel(row) {
        let help = "write the type, or a parameter of type: `fn name<T: Trait>(…)`";
        return Err(fault(
            row,
            "the type of a row has no name: it can't be compared with what flows in",
            help,
        ));
    }
    owned(row, "what flows from node to node must own its data")?;
    Ok(row.to_token_stream())
}
