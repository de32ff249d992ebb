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

/// The same iterable, borrowing for ever: its items' type does not depend on how long it borrows.
pub(super) fn forever(iterable: &Type) -> Type {
    let mut iterable = iterable.clone();
    Forever.visit_type_mut(&mut iterable);
    iterable
}

struct Forever;

impl VisitMut for Forever {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        *lifetime = Lifetime::new("'static", lifetime.span());
    }

    fn visit_type_reference_mut(&mut self, reference: &mut syn::TypeReference) {
        reference.lifetime = Some(Lifetime::new("'static", reference.span()));
        self.visit_type_mut(&mut reference.elem);
    }
}
