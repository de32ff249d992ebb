//! A look at types as they are written.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    GenericArgument, Ident, Lifetime, ParenthesizedGenericArguments, PathArguments, PathSegment, Result,
    Type, TypeFnPtr, TypeReference, TypeTraitObject,
    visit::{self, Visit},
};

use crate::stage::fault::{fault, show};

/// The type without parentheses and the invisible groups that other macros leave.
pub(in crate::stage) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// Whether the last segment of its path has this name.
pub(in crate::stage) fn is(ty: &Type, name: &str) -> bool {
    last(ty).is_some_and(|segment| segment.ident == name)
}

/// Whether a type is a batch by its name and its type of rows. A user's own type of such a name, without any, is a value.
pub(in crate::stage) fn is_batch(ty: &Type) -> bool {
    ["Batch", "BatchMut"].iter().any(|name| is(ty, name))
        && last(ty).is_some_and(|segment| !segment.arguments.is_none())
}

/// The first type argument of a type whose last segment has this name: `U` of `anyhow::Result<U>`.
pub(in crate::stage) fn open<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    last(ty).filter(|segment| segment.ident == name)?;
    argument(ty)
}

/// The first type argument.
pub(in crate::stage) fn argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last(ty)?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The first lifetime argument.
pub(super) fn lifetime(ty: &Type) -> Option<&Lifetime> {
    let PathArguments::AngleBracketed(arguments) = &last(ty)?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Lifetime(lifetime) => Some(lifetime),
        _ => None,
    })
}

/// Whether the type mentions one of these names.
pub(in crate::stage) fn mentions(tokens: TokenStream, names: &[&Ident]) -> bool {
    tokens.into_iter().any(|tree| match tree {
        proc_macro2::TokenTree::Ident(ident) => names.contains(&&ident),
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

/// Whether the compiler may know more about a type than is written: an alias, a lifetime that is left out, its visibility.
pub(in crate::stage) fn is_unknown(tokens: &TokenStream) -> bool {
    const KNOWN: [&str; 36] = [
        "bool",
        "char",
        "str",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "f32",
        "f64",
        "String",
        "Vec",
        "VecDeque",
        "HashMap",
        "HashSet",
        "BTreeMap",
        "BTreeSet",
        "Option",
        "Result",
        "Box",
        "Arc",
        "Rc",
        "Duration",
        "Instant",
        "SystemTime",
        "PathBuf",
        "OsString",
        "Batch",
        "BatchMut",
    ];
    struct Look(bool);
    impl<'ast> Visit<'ast> for Look {
        fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
            let known = |name: &&str| path.path.segments.last().is_some_and(|last| last.ident == **name);
            self.0 |= path.qself.is_some() || !KNOWN.iter().any(known);
            visit::visit_type_path(self, path);
        }
        fn visit_type_trait_object(&mut self, _: &'ast TypeTraitObject) {
            self.0 = true;
        }
        fn visit_type_macro(&mut self, _: &'ast syn::TypeMacro) {
            self.0 = true;
        }
    }
    let mut look = Look(false);
    if let Ok(ty) = syn::parse2::<Type>(tokens.clone()) {
        look.visit_type(&ty);
    }
    look.0
}

/// A payload outlives the call, so nothing in it may be borrowed.
pub(super) fn owned(ty: &Type, what: &str) -> Result<()> {
    let mut look = Borrows(None);
    look.visit_type(ty);
    let Some(borrow) = look.0 else { return Ok(()) };
    Err(fault(
        &borrow,
        format!("`{}` borrows, but {what}", show(&borrow)),
        "use a type that owns its data, such as `String` for `&str`",
    ))
}

/// The first thing that is borrowed for less than `'static`.
struct Borrows(Option<TokenStream>);

impl<'ast> Visit<'ast> for Borrows {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") {
            self.0.get_or_insert_with(|| reference.to_token_stream());
            return;
        }
        visit::visit_type(self, &reference.elem);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.0.get_or_insert_with(|| lifetime.to_token_stream());
        }
    }

    // Lifetimes in there belong to a call of that function.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}

    fn visit_type_trait_object(&mut self, object: &'ast TypeTraitObject) {
        let higher = |bound: &syn::TypeParamBound| matches!(bound, syn::TypeParamBound::Trait(bound) if bound.lifetimes.is_some());
        if !object.bounds.iter().any(higher) {
            visit::visit_type_trait_object(self, object);
        }
    }
}
