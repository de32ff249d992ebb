//! A node for a function with faults: it takes anything, so that only the faults are reported.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Lifetime, ReturnType, Type, visit_mut::VisitMut};

use super::Generics;
use crate::stage::parse::{Function, Settings, is, open, peel};

pub(in crate::stage) fn broken(settings: &Settings, function: &Function, hide_body: bool) -> TokenStream {
    let kept = if hide_body { without_body(function) } else { function.to_token_stream() };
    if function.is_method() {
        return kept;
    }
    let generics = Generics::new(&function.sig, &[], None, None);
    let root = settings.krate(function.sig.ident.span());
    let node = super::node(function, &generics);
    let (name, parameters, arguments, bounds) = super::parts(&generics);
    let output = guess(function, settings, &root);
    let flows = super::local("In");
    let and_one = generics.parameters_and(&flows);
    let items = quote! {
        #[automatically_derived]
        impl #parameters #root::__private::Stage for #name #arguments #bounds {
            type In = ();
            type Out = #output;
            type Need = ();
            type Kind = #root::__private::SyncKind;
            const NAME: &'static str = "";
            const CONTEXT: bool = false;
            const SKIP: &'static str = "";
            const POLICY: #root::__private::Policy = #root::__private::Policy::NONE;
        }
        #[automatically_derived]
        impl #parameters #root::__private::SyncStage for #name #arguments #bounds {
            fn call(_: (), _: &#root::Context, _: &()) -> #root::__private::Verdict<Self::Out> {
                #root::__private::Verdict::Skip
            }
        }
        #[automatically_derived]
        impl #and_one #root::__private::Accepts<#flows> for #name #arguments #bounds {}
    };
    let node = super::beside(&root, &node, &items);
    quote! {
        #[allow(unused, clippy::all, clippy::pedantic)]
        #kept
        #node
    }
}

/// The type that the user most likely meant to flow on.
fn guess(function: &Function, settings: &Settings, root: &TokenStream) -> TokenStream {
    let ReturnType::Type(_, ty) = &function.sig.output else { return quote!(()) };
    let mut ty = peel(ty);
    for wrapper in ["Result", "Option"] {
        ty = open(ty, wrapper).map_or(ty, peel);
    }
    let is_item = settings.flat.is_some() && is(ty, "Vec");
    if is_item || is(ty, "BatchMut") {
        let row = crate::stage::parse::argument(ty).map_or(quote!(()), quote::ToTokens::to_token_stream);
        return if is_item { row } else { quote!(#root::Batch<#row>) };
    }
    let mut look = Borrowed(false);
    look.visit_type_mut(&mut ty.clone());
    match ty {
        Type::Path(_) if !look.0 && !is(ty, "Result") => quote!(#ty),
        _ => quote!(()),
    }
}

/// Whether something is borrowed in it, or has no name.
struct Borrowed(bool);

impl VisitMut for Borrowed {
    fn visit_type_impl_trait_mut(&mut self, _: &mut syn::TypeImplTrait) {
        self.0 = true;
    }

    fn visit_lifetime_mut(&mut self, _: &mut Lifetime) {
        self.0 = true;
    }

    fn visit_type_reference_mut(&mut self, _: &mut syn::TypeReference) {
        self.0 = true;
    }
}

/// The function without the parts that the compiler would complain about in its own words.
fn without_body(function: &Function) -> TokenStream {
    let Function { attrs, vis, sig, .. } = function;
    let mut sig = sig.clone();
    sig.asyncness = None;
    BrandStatic.visit_signature_mut(&mut sig);
    quote!(#(#attrs)* #vis #sig { ::core::unimplemented!() })
}

struct BrandStatic;

impl VisitMut for BrandStatic {
    fn visit_type_path_mut(&mut self, path: &mut syn::TypePath) {
        if let Some(last) = path.path.segments.last_mut()
            && last.ident == "BatchMut"
            && let syn::PathArguments::AngleBracketed(arguments) = &mut last.arguments
        {
            let types =
                arguments.args.iter().filter(|argument| matches!(argument, syn::GenericArgument::Type(_)));
            let brand: syn::GenericArgument = syn::parse_quote!('static);
            arguments.args = std::iter::once(brand).chain(types.cloned()).collect();
        }
        syn::visit_mut::visit_type_path_mut(self, path);
    }
}
