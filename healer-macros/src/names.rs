//! The name of a function's node.

use proc_macro2::Ident;
use quote::format_ident;
use syn::ext::IdentExt as _;

/// Names that mean something in the namespace of types wherever healer is used: a node of that name would take it away.
const TAKEN: [&str; 20] = [
    "bool", "char", "str", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize", "f16", "f32", "f64", "f128", "kafka",
];

/// The function's own name, but for a few that are types or modules already: the node of `u64` is `u64_stage`.
pub(crate) fn node(function: &Ident) -> Ident {
    if TAKEN.iter().any(|name| function.unraw() == name) {
        return format_ident!("{}_stage", function);
    }
    function.clone()
}
