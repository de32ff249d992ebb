//! The function itself: its head is read, its body stays as it is.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, FnArg, GenericParam, Result, Safety, Signature, Visibility,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
};

use crate::stage::fault::{Faults, fault};

/// A function with a body that nobody looks into.
#[derive(Clone)]
pub(in crate::stage) struct Function {
    pub(in crate::stage) attrs: Vec<Attribute>,
    pub(in crate::stage) vis: Visibility,
    pub(in crate::stage) sig: Signature,
    pub(in crate::stage) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

impl Function {
    /// Whether it has parameters of type or number: then its types are known where it is used.
    pub(in crate::stage) fn is_generic(&self) -> bool {
        self.sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)))
    }

    /// Whether it stands in an `impl` or a `trait`, as far as one can see from here.
    pub(in crate::stage) fn is_method(&self) -> bool {
        self.sig.receiver().is_some() || mentions_self(self.sig.to_token_stream())
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

/// Reads a function; the fault names the item that stands there instead.
pub(in crate::stage) fn function(item: TokenStream) -> Result<Function> {
    let found = what_it_is(item.clone());
    let function: Function = match syn::parse2(item) {
        Ok(function) => function,
        Err(error) => return Err(found.unwrap_or(error)),
    };
    let mut body = function.body.clone().into_iter();
    let braces = body.next().is_some_and(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    if braces && body.next().is_none() {
        return Ok(function);
    }
    let name = &function.sig.ident;
    Err(fault(name, format!("`{name}` has no body: a stage is a function that is called"), "give it a body"))
}

/// The fault of an item that is no function; `None` for a function with a syntax error.
fn what_it_is(item: TokenStream) -> Option<Error> {
    const KINDS: [(&str, &str); 11] = [
        ("struct", "a struct"),
        ("enum", "an enum"),
        ("union", "a union"),
        ("trait", "a trait"),
        ("impl", "an `impl` block"),
        ("mod", "a module"),
        ("use", "an import"),
        ("static", "a static"),
        ("type", "a type alias"),
        ("macro_rules", "a macro"),
        ("let", "a variable"),
    ];
    let words: Vec<Ident> = item
        .into_iter()
        .filter_map(|tree| match tree {
            TokenTree::Ident(ident) => Some(ident),
            _ => None,
        })
        .collect();
    let (word, kind) = words.iter().enumerate().find_map(|(at, word)| {
        let of_function = ["fn", "async", "unsafe", "extern"];
        let next = words.get(at + 1);
        if word == "fn" {
            return Some((word, ""));
        }
        if word == "const" && !next.is_some_and(|next| of_function.iter().any(|of| next == of)) {
            return Some((word, "a constant"));
        }
        KINDS.iter().find(|(kind, _)| word == kind).map(|(_, kind)| (word, *kind))
    })?;
    if kind.is_empty() {
        return None;
    }
    Some(fault(
        word,
        format!("`#[stage]` makes a node of a function, and this is {kind}"),
        "put it on `fn name(value: T) -> U { … }`",
    ))
}

/// Functions that no engine could call, and methods.
pub(in crate::stage) fn refuse_odd(function: &Function, faults: &mut Faults) {
    let sig = &function.sig;
    let name = &sig.ident;
    if ["heal", "checkpoint"].iter().any(|word| name.unraw() == *word) {
        faults.at(
            name,
            format!(
                "`{name}` is a word of `pipeline!`, which would never call this function: the offsets of its records would be \
                 committed without it"
            ),
            "give the function another name",
        );
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        faults.at(
            receiver,
            format!("`{name}` takes `self`, and nobody holds one when a record arrives"),
            "make it a free function, and lend it the object with `#[state] name: &Type`",
        );
    } else if function.is_method() {
        faults.at(
            name,
            format!("`{name}` speaks of `Self`: a stage is a free function"),
            "move it out of the `impl` block and write the type's name",
        );
    }
    if let Safety::Unsafe(word) = &sig.safety {
        faults.at(
            word,
            format!("`{name}` is unsafe, and the engine can't keep its promises for it"),
            "wrap the unsafe part in a safe function",
        );
    }
    if let Some(abi) = &sig.abi {
        faults.at(
            abi,
            format!("`{name}` is an `extern` function: records are handed over in Rust"),
            "remove `extern`, or call it from a Rust function",
        );
    }
    if let Some(variadic) = &sig.variadic {
        faults.at(
            variadic,
            format!("`{name}` takes any number of arguments: a stage takes one value"),
            "take one value, state and context",
        );
    }
}
