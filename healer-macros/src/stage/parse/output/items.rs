//! The values of a flat stage.

use syn::{Error, Lifetime, Type, spanned::Spanned as _, visit::Visit, visit_mut::VisitMut};

use super::{
    super::types::{argument, is, open, peel},
    Yields,
};
use crate::stage::fault::fault;

/// The items of an iterable, as far as the syntax says: `None` for a type that only the compiler knows.
pub(super) fn items(iterable: &Type) -> Result<(Yields, Option<Type>), Error> {
    const LISTS: [&str; 8] =
        ["Vec", "VecDeque", "HashSet", "BTreeSet", "LinkedList", "BinaryHeap", "Option", "IntoIter"];
    let item = match iterable {
        Type::Array(array) => Some((*array.elem).clone()),
        Type::ImplTrait(_) => Some(bound_item(iterable).ok_or_else(|| {
            let help = "write `impl Iterator<Item = U>` or the type";
            fault(iterable, "it does not say which values flow on", help)
        })?),
        _ if LISTS.iter().any(|list| is(iterable, list)) => argument(iterable).cloned(),
        _ if is(iterable, "Box") => argument(iterable).and_then(|inside| match peel(inside) {
            Type::Slice(slice) => Some((*slice.elem).clone()),
            inside => bound_item(inside),
        }),
        _ => None,
    };
    let Some(item) = item else { return Ok((Yields::Items, None)) };
    if is(&item, "Option") {
        let help = "leave the `None`s out, with `.flatten()`";
        return Err(fault(&item, "each `None` among the values would pass for a value", help));
    }
    match open(&item, "Result") {
        Some(value) if is(value, "Option") || is(value, "Result") => {
            let help = "give `Result<U, E>`, and leave out what is not there";
            Err(fault(value, "what is in there would pass for a value", help))
        }
        Some(value) => Ok((Yields::Results, Some(value.clone()))),
        None => Ok((Yields::Items, Some(item))),
    }
}

/// `U` of `impl Iterator<Item = U>` and `dyn Iterator<Item = U>`.
fn bound_item(ty: &Type) -> Option<Type> {
    let (Type::ImplTrait(syn::TypeImplTrait { bounds, .. })
    | Type::TraitObject(syn::TypeTraitObject { bounds, .. })) = ty
    else {
        return None;
    };
    let mut found = None;
    for bound in bounds {
        let mut look = ItemBinding(&mut found);
        look.visit_type_param_bound(bound);
    }
    found
}

struct ItemBinding<'f>(&'f mut Option<Type>);

impl<'ast> Visit<'ast> for ItemBinding<'_> {
    fn visit_assoc_type(&mut self, binding: &'ast syn::AssocType) {
        if binding.ident == "Item" {
            self.0.get_or_insert_with(|| binding.ty.clone());
        }
    }
}

/// Whether an `impl Trait` is in it.
pub(super) fn has_no_name(ty: &Type) -> bool {
    struct Look(bool);
    impl<'ast> Visit<'ast> for Look {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut look = Look(false);
    look.visit_type(ty);
    look.0
}

/// The same iterable with a type that has a name for each that has none: of `impl Fn(A) -> B` and of `impl Iterator<Item = U>`,
/// only the written types matter to the items of the iterable around them.
pub(super) fn stand_in(iterable: &Type) -> Result<Type, Error> {
    let mut iterable = iterable.clone();
    let mut named = Named(None);
    named.visit_type_mut(&mut iterable);
    named.0.map_or(Ok(iterable), Err)
}

struct Named(Option<Error>);

impl VisitMut for Named {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let Type::ImplTrait(opaque) = ty else { return syn::visit_mut::visit_type_mut(self, ty) };
        let at = opaque.span();
        let closure = opaque.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => match &bound.path.segments.last()?.arguments {
                syn::PathArguments::Parenthesized(call) => Some((call.inputs.clone(), call.output.clone())),
                _ => None,
            },
            _ => None,
        });
        if let Some((inputs, output)) = closure {
            *ty = syn::parse_quote_spanned!(at=> fn(#inputs) #output);
        } else if let Some(item) = bound_item(ty) {
            *ty = syn::parse_quote_spanned!(at=> ::std::vec::IntoIter<#item>);
        } else {
            let help = "write `impl Iterator<Item = U>` for the whole, or the type";
            self.0.get_or_insert_with(|| fault(&*ty, "it does not say which values flow on", help));
        }
    }
}

/// The same iterable, borrowing for ever: its items' type does not depend on how long it borrows.
pub(in crate::stage::parse) fn forever(iterable: &Type) -> Type {
    let mut iterable = iterable.clone();
    Forever.visit_type_mut(&mut iterable);
    iterable
}

struct Forever;

impl VisitMut for Forever {
    // Lifetimes in there belong to a call of that function.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        *lifetime = Lifetime::new("'static", lifetime.span());
    }

    fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
        reference.lifetime = Some(Lifetime::new("'static", reference.span()));
        self.visit_type_mut(&mut reference.elem);
    }
}
