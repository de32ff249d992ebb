//! The macros of healer: `#[stage]`, `#[checkpoint]` and `pipeline!`.
//!
//! Use them through `healer`, which documents them. This crate is a thin shell: each macro is a function over tokens in a module of its own, tested as such.

use proc_macro::TokenStream;

mod here;
mod looks;
mod names;
mod pipeline;
mod stage;
mod times;

#[allow(missing_docs, reason = "documented where `healer` re-exports it")]
#[proc_macro_attribute]
pub fn stage(attr: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand(&attr.into(), item.into()).into()
}

#[allow(missing_docs, reason = "documented where `healer` re-exports it")]
#[proc_macro_attribute]
pub fn checkpoint(attr: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand_checkpoint(attr.into(), item.into()).into()
}

#[doc(hidden)]
#[proc_macro_attribute]
pub fn beside(items: TokenStream, node: TokenStream) -> TokenStream {
    node.into_iter().chain(items).collect()
}

#[allow(missing_docs, reason = "documented where `healer` re-exports it")]
#[proc_macro]
pub fn pipeline(input: TokenStream) -> TokenStream {
    pipeline::expand(input.into()).into()
}
