//! Types that may leave a lifetime out: only the compiler knows whether the output borrows from the call's arguments.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{GenericParam, Ident, Lifetime, ReturnType, Type, spanned::Spanned as _, visit_mut::VisitMut};

use crate::stage::{
    Stage,
    fault::show,
    parse::{InputKind, Own, Yields, is_unknown, lifetimes, mentions},
};

/// Rewrites the types that flow in and out so that they can stand where no lifetime may be left out. Gives the assertions
/// that none was.
pub(super) fn settle(stage: &mut Stage, root: &TokenStream) -> TokenStream {
    let Stage { function, input, output, .. } = stage;
    let names: Vec<&Ident> = function.sig.generics.params.iter().filter_map(name).collect();
    let may_lend = |ty: &TokenStream| is_unknown(ty) && !is_projection(ty) && !mentions(ty.clone(), &names);
    let mut checks = TokenStream::new();
    if may_lend(&input.payload) {
        checks.extend(owns(&input.payload, &input.payload, root));
        input.payload = forever(&input.payload, root);
    }
    let lends_some = lifetimes(function) > 0;
    if let Some(iterable) = output.opaque.as_ref().map(quote::ToTokens::to_token_stream) {
        if lends_some && may_lend(&iterable) {
            let items = item(&elided(&iterable));
            checks.extend(owns(&items, &iterable, root));
            output.payload = item(&forever(&elided(&iterable), root));
            output.own = Some(Own { lends: lends(&items, root), ty: output.payload.clone() });
        }
        return checks;
    }
    if may_lend(&output.payload) {
        checks.extend(owns(&output.payload, &output.payload, root));
        let single = matches!(input.kind, InputKind::Value | InputKind::Lent);
        if lends_some && single {
            let ty = match (&function.sig.output, output.yields) {
                (ReturnType::Type(_, returned), Yields::Value) => returned.to_token_stream(),
                _ => output.payload.clone(),
            };
            output.own = Some(Own { lends: lends(&ty, root), ty: forever(&elided(&ty), root) });
        }
        output.payload = forever(&output.payload, root);
    }
    checks
}

fn name(parameter: &GenericParam) -> Option<&Ident> {
    match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
    }
}

/// `<T as Trait>::Name`.
fn is_projection(ty: &TokenStream) -> bool {
    matches!(syn::parse2(ty.clone()), Ok(Type::Path(path)) if path.qself.is_some())
}

fn item(iterable: &TokenStream) -> TokenStream {
    quote_spanned!(iterable.span()=> <#iterable as ::core::iter::IntoIterator>::Item)
}

/// The type with `'static` wherever it leaves a lifetime out.
fn forever(ty: &TokenStream, root: &TokenStream) -> TokenStream {
    quote_spanned!(ty.span()=> <fn(&'static ()) -> #ty as #root::__private::Gives>::Out)
}

/// The `Lends` that tells whether the type has the lifetime of a call.
fn lends(ty: &TokenStream, root: &TokenStream) -> TokenStream {
    let ty = elided(ty);
    quote_spanned!(ty.span()=> <#root::__private::Lends<for<'__call> fn(&'__call ()) -> #ty>>)
}

/// The assertion that a type of a signature owns its data.
fn owns(ty: &TokenStream, written: &TokenStream, root: &TokenStream) -> TokenStream {
    let message = format!(
        "`{}` borrows, but what flows from node to node must own its data\n  help: use a type that owns its data, such as \
         `String` for `&str`; collect many values, as into a `Vec<String>`",
        show(written)
    );
    let lends = lends(ty, root);
    let check = quote_spanned!(written.span()=> ::core::assert!(#lends::OWNS, "{}", #message));
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use #root::__private::MayLend as _;
            #check
        };
    }
}

/// All its lifetimes left out.
fn elided(ty: &TokenStream) -> TokenStream {
    let Ok(mut parsed) = syn::parse2::<Type>(ty.clone()) else { return ty.clone() };
    Elided.visit_type_mut(&mut parsed);
    parsed.into_token_stream()
}

struct Elided;

impl VisitMut for Elided {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            *lifetime = Lifetime::new("'_", lifetime.span());
        }
    }

    // Lifetimes in there belong to a call of that function.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut syn::ParenthesizedGenericArguments) {}
}
