//! The function's generics on the node: without lifetimes, which belong to a call.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    GenericParam, Ident, Lifetime, Signature, Type, TypeParamBound, WherePredicate, spanned::Spanned as _,
    visit::Visit,
};

use crate::names::node;

/// Pieces of generics, ready to be written.
pub(super) struct Generics {
    /// `<T: ?Sized, const N: usize>`, where the type is declared.
    pub(super) declared: TokenStream,
    /// The same with one for the signature, where the node has it.
    pub(super) signed: Option<TokenStream>,
    each: Vec<TokenStream>,
    bounded: Vec<TokenStream>,
    /// `<T: Display, const N: usize>`, at an `impl`.
    pub(super) parameters: TokenStream,
    /// `<T, N>`.
    pub(super) arguments: TokenStream,
    /// The node as a type: its name, and its arguments at an `impl`.
    pub(super) name: Ident,
    pub(super) of_node: TokenStream,
    /// The bounds of `stage()` where its result names types of the signature.
    pub(super) wheres: TokenStream,
    pub(super) names: Vec<Ident>,
    /// The user's `where` clause, and the bounds of every payload and state.
    pub(super) bounds: TokenStream,
    /// The markers that use the parameters in the type.
    pub(super) marks: TokenStream,
}

impl Generics {
    pub(super) fn new(
        signature: &Signature,
        state: &[Type],
        iterable: Option<&Type>,
        batch: Option<&TokenStream>,
    ) -> Self {
        let of_call: Vec<&Lifetime> =
            signature.generics.lifetimes().map(|parameter| &parameter.lifetime).collect();
        let mut declared = Vec::new();
        let mut parameters = Vec::new();
        let mut names = Vec::new();
        let mut bounds = Vec::new();
        let mut marks = Vec::new();
        let mut wheres = Vec::new();
        for parameter in &signature.generics.params {
            match parameter {
                GenericParam::Lifetime(_) => {}
                GenericParam::Type(parameter) => {
                    let name = &parameter.ident;
                    declared.push(quote!(#name: ?::core::marker::Sized));
                    let kept: Vec<_> =
                        parameter.bounds.iter().filter(|bound| is_kept(bound, &of_call)).collect();
                    parameters.push(quote!(#name: #(#kept)+*));
                    let (maybe, sure): (Vec<_>, Vec<_>) = kept.into_iter().partition(|bound| is_maybe(bound));
                    let sized = maybe.is_empty().then(|| quote!(::core::marker::Sized));
                    let sure = sure.into_iter().map(quote::ToTokens::to_token_stream).chain(sized);
                    wheres.push(quote!(#name: #(#sure)+*));
                    marks.push(quote!(::core::marker::PhantomData<#name>,));
                    names.push(name.clone());
                    bounds.push(quote!(#name: ::core::marker::Send + 'static));
                    if state.iter().any(|state| is_exactly(state, name)) {
                        bounds.push(quote!(#name: ::core::marker::Sync));
                    }
                }
                GenericParam::Const(parameter) => {
                    let (name, ty) = (&parameter.ident, &parameter.ty);
                    declared.push(quote!(const #name: #ty));
                    parameters.push(quote!(const #name: #ty));
                    names.push(name.clone());
                }
            }
        }
        let predicates = signature.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        bounds.extend(predicates.filter_map(|predicate| kept(predicate, &of_call)));
        wheres.extend(bounds.iter().cloned());
        let concrete = state.iter().filter(|state| !names.iter().any(|name| is_exactly(state, name)));
        bounds.extend(
            concrete.map(|ty| quote_spanned!(ty.span()=> #ty: ::core::marker::Send + ::core::marker::Sync)),
        );
        bounds.extend(batch.cloned());
        // Said as a bound, the fault of a type that is no list is told once, at the type.
        bounds.extend(iterable.map(|ty| quote_spanned!(ty.span()=> #ty: ::core::iter::IntoIterator<Item: ::core::marker::Send + 'static, IntoIter: ::core::marker::Send>)));
        let angles = |list: TokenStream| if names.is_empty() { TokenStream::new() } else { quote!(<#list>) };
        let arguments = angles(quote!(#(#names),*));
        Self {
            name: node(&signature.ident),
            of_node: arguments.clone(),
            wheres: if names.is_empty() { TokenStream::new() } else { quote!(where #(#wheres),*) },
            declared: angles(quote!(#(#declared),*)),
            signed: None,
            each: declared,
            parameters: angles(quote!(#(#parameters),*)),
            bounded: parameters,
            arguments,
            bounds: if bounds.is_empty() { TokenStream::new() } else { quote!(where #(#bounds),*) },
            marks: marks.into_iter().collect(),
            names,
        }
    }

    /// The parameters at an `impl`, and one more.
    pub(super) fn parameters_and(&self, more: &Ident) -> TokenStream {
        let bounded = &self.bounded;
        quote!(<#(#bounded,)* #more>)
    }

    /// The bounds, to be followed by more.
    pub(super) fn bounds_and(&self) -> TokenStream {
        let bounds = &self.bounds;
        if bounds.is_empty() { quote!(where) } else { quote!(#bounds,) }
    }

    /// Makes the signature a parameter of the node. Where the node is public and a type of its signature is not, the compiler
    /// wants to see that type in the node's own type.
    pub(super) fn seen_as(mut self, signature: &TokenStream) -> Self {
        let names = &self.names;
        self.of_node = quote!(<#(#names,)* #signature>);
        let (each, marks) = (&self.each, &self.marks);
        self.signed = Some(quote!(<#(#each,)* __Signature: ?::core::marker::Sized = ()>));
        self.marks = quote!(#marks ::core::marker::PhantomData<__Signature>,);
        self
    }
}

/// `?Sized`.
fn is_maybe(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(bound) if bound.maybe.is_some())
}

fn is_exactly(ty: &Type, name: &Ident) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident(name))
}

/// A bound by a lifetime of the call means nothing for the node, whose types are `'static`.
fn is_kept(bound: &TypeParamBound, of_call: &[&Lifetime]) -> bool {
    !matches!(bound, TypeParamBound::Lifetime(lifetime) if of_call.contains(&lifetime))
}

fn kept(predicate: &WherePredicate, of_call: &[&Lifetime]) -> Option<TokenStream> {
    let WherePredicate::Type(predicate) = predicate else { return None };
    let mut look = Mentions { of_call, found: false };
    look.visit_type(&predicate.bounded_ty);
    if look.found {
        return None;
    }
    let mut predicate = predicate.clone();
    predicate.bounds = predicate.bounds.into_iter().filter(|bound| is_kept(bound, of_call)).collect();
    Some(predicate.into_token_stream())
}

struct Mentions<'l> {
    of_call: &'l [&'l Lifetime],
    found: bool,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.found |= self.of_call.contains(&lifetime);
    }
}
