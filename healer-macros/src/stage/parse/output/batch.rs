//! The return type of a stage for batches.

use std::collections::BTreeSet;

use quote::{ToTokens as _, quote};
use syn::{Error, Lifetime, ReturnType, Type, visit::Visit};

use super::{
    super::{
        attribute::Settings,
        function::Function,
        input::{is_alias, row_of_alias},
        types::{argument, is, lifetime, owned, peel},
    },
    OWNS, Output, opened, refuse_unnamed,
};
use crate::stage::fault::{Faults, fault};

/// A batch that was only read.
pub(super) fn read(returned: &Type, function: &Function) -> Result<Output, Error> {
    let (opened, payload, error) = opened(returned)?;
    let name = &function.sig.ident;
    if is(payload, "BatchMut") || is(payload, "Batch") {
        let help = format!("take the batch itself: `fn {name}(rows: BatchMut<'_, T>) -> BatchMut<'_, U>`");
        return Err(fault(
            payload,
            "a batch comes back, but none was given: these rows were only lent",
            help,
        ));
    }
    if opened.may_skip() {
        let help = "write `Result<(), E>`; to drop rows take `BatchMut<'_, T>` and use `filter`";
        return Err(fault(
            returned,
            "`None` would drop the whole batch: a batch that is read is healed or fails",
            help,
        ));
    }
    if !matches!(payload, Type::Tuple(tuple) if tuple.elems.is_empty()) {
        let help = "write `Result<(), E>` by that name, not by another one of your own; a count of rows is dropped by `.map(drop)`; to \
                    change rows take `BatchMut<'_, T>` and return it";
        return Err(fault(
            payload,
            "a stage that reads a batch passes on the rows as they are, so it gives nothing, or an error",
            help,
        ));
    }
    Ok(Output { opened, error, ..Output::of(quote!(())) })
}

/// A batch that was transformed: the brand shows that it is the one that came in.
pub(super) fn transformed(
    returned: &Type,
    settings: &Settings,
    function: &Function,
    faults: &mut Faults,
) -> Result<Output, Error> {
    let (opened, payload, error) = opened(returned)?;
    let name = &function.sig.ident;
    if opened.may_skip() {
        let help = "write `BatchMut` or `Result<BatchMut, E>`; to drop rows use `rows.filter(\"reason\", …)`";
        return Err(fault(returned, "`None` would drop the whole batch, with the offset of every row", help));
    }
    if is_alias(payload) && lifetime(payload).is_some() {
        return Ok(Output { opened, error, ..Output::of(row_of_alias(payload, settings).1) });
    }
    if !is(payload, "BatchMut") {
        let help = format!(
            "return it: `fn {name}<'b>(rows: BatchMut<'b, T>) -> BatchMut<'b, U>`, or take `&Batch<T>`"
        );
        let at = match &function.sig.output {
            ReturnType::Default => name.to_token_stream(),
            ReturnType::Type(..) => payload.to_token_stream(),
        };
        return Err(fault(
            at,
            "the batch does not come back: the offsets of its rows would never be settled",
            help,
        ));
    }
    let elided = lifetime(payload).is_none_or(|brand| brand.ident == "_");
    if elided && lifetimes(function) > 1 && faults.is_empty() {
        faults.hide_body();
        return Err(fault(
            payload,
            "it is not clear which brand comes back: with state beside the batch it has to be named (E0106)",
            format!("name the brand: `fn {name}<'b>(rows: BatchMut<'b, T>, …) -> BatchMut<'b, U>`"),
        ));
    }
    let Some(row) = argument(payload) else {
        return Err(fault(payload, "the type of a row is missing", "write `BatchMut<'_, U>`"));
    };
    refuse_unnamed(row, function)?;
    if is(row, "Result") || is(row, "Option") {
        let (about, help) = if is(row, "Result") {
            (
                "an `Err` in a row would be healed, and its record lost",
                "open it: `rows.try_map(|row| …)` gives `Result<BatchMut<'_, U>, E>`, and an `Err` in it fails the call; to go on without a row write `rows.filter(\"reason\", …)` or `rows.flat_map(\"reason\", …)`",
            )
        } else {
            (
                "a `None` in a row would pass for a value",
                "leave the row out: `rows.flat_map(\"reason\", |row| …)` gives a row for each `Some`",
            )
        };
        return Err(fault(row, about, help));
    }
    owned(row, OWNS)?;
    Ok(Output { opened, error, plain: vec![peel(row).clone()], ..Output::of(row.to_token_stream()) })
}

/// How many different lifetimes the parameters have.
pub(in crate::stage) fn lifetimes(function: &Function) -> usize {
    let mut look = Lifetimes::default();
    function.sig.inputs.iter().for_each(|input| look.visit_fn_arg(input));
    look.unnamed + look.named.len()
}

#[derive(Default)]
struct Lifetimes {
    unnamed: usize,
    named: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Lifetimes {
    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        self.unnamed += usize::from(reference.lifetime.is_none());
        syn::visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident == "_" {
            self.unnamed += 1;
        } else {
            self.named.insert(lifetime.ident.to_string());
        }
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        let ty = Type::Path(path.clone());
        self.unnamed += usize::from(is(&ty, "BatchMut") && lifetime(&ty).is_none());
        syn::visit::visit_type_path(self, path);
    }
}
