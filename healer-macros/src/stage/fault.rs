//! Faults: a message, the token that it points at, and the line that says how to mend it.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Error;

/// The faults found so far in one function.
#[derive(Default)]
pub(super) struct Faults {
    errors: Vec<Error>,
    hide_body: bool,
}

impl Faults {
    /// Notes a fault at some tokens: the message, and the line that says how to mend it.
    pub(super) fn at(&mut self, tokens: impl ToTokens, message: impl Display, help: impl Display) {
        self.add(fault(tokens, message, help));
    }

    pub(super) fn add(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// Keeps the value, or notes why there is none.
    pub(super) fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// The compiler would report the fault as well: it gets to see a function without it.
    pub(super) fn hide_body(&mut self) {
        self.hide_body = true;
    }

    pub(super) fn must_hide_body(&self) -> bool {
        self.hide_body
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn into_tokens(self) -> TokenStream {
        self.errors.iter().map(Error::to_compile_error).map(|error| quote!(#error)).collect()
    }
}

/// A single fault, where it ends the look at something.
pub(super) fn fault(tokens: impl ToTokens, message: impl Display, help: impl Display) -> Error {
    Error::new_spanned(tokens, format!("{message}\n  help: {help}"))
}

/// A type as the user wrote it, for a message.
pub(super) fn show(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [
        (" < ", "<"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :: ", "::"),
        (":: ", "::"),
        ("& ", "&"),
        (" ;", ";"),
        (" : ", ": "),
    ] {
        text = text.replace(spaced, tight);
    }
    text
}
