//! Faults: a message, the token that it points at, and the line that says how to mend it.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The faults found so far.
#[derive(Default)]
pub(super) struct Faults(Vec<Error>);

impl Faults {
    /// Notes a fault at some tokens: the message, and the line that says how to mend it.
    pub(super) fn at(&mut self, tokens: impl ToTokens, message: impl Display, help: impl Display) {
        self.add(fault(tokens, message, help));
    }

    pub(super) fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_tokens(self) -> TokenStream {
        self.0.into_iter().map(|error| error.to_compile_error()).map(|error| quote::quote!(#error;)).collect()
    }

    /// The messages, for tests.
    #[cfg(test)]
    pub(super) fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// A single fault, where it ends the look at something.
pub(super) fn fault(tokens: impl ToTokens, message: impl Display, help: impl Display) -> Error {
    Error::new_spanned(tokens, format!("{message}\n  help: {help}"))
}
