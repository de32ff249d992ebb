//! `pipeline!`: streams, stages and sinks as a graph in which no offset can leak.
//!
//! Three steps over tokens, each of which reports all faults that it finds at the user's own tokens: `parse` makes a
//! `model` of them, `check` looks at the graph of names, `emit` writes the model down as calls of the fluent builder.
//! Types are not looked at: the spans that `emit` gives to its calls let the compiler's own errors point at the user's tokens.
//!
//! # Grammar
//!
//! ```text
//! pipeline  = [ "crate" path ";" ] "name" expr ";" { statement ";" }
//! statement = [ ident "=" ] head { "=>" { "#" "[" … "]" } node }
//! head      = ident                                  a stream that was bound before
//!           | "union" "(" ident { "," ident } ")" label
//!           | expr label                             a source
//! node      = path [ ".with(" key "=" expr, … ")" ] label      a stage
//!           | word "(" expr, … key "=" expr, … ")" label       map, try_map, filter, batch, unbatch
//!           | expr label                             a node from a function with a longer path, in parentheses or a block
//!           | "checkpoint" [ "as" expr ]
//!           | "heal"                                 the end
//! label     = [ "as" expr ] [ "checkpoint" ]
//! ```
//!
//! A word is a node of the DSL with its parentheses; alone it is always a stage of the user, but for `checkpoint` and `heal`.
//!
//! Values are ordinary expressions of the place where the macro stands. Those with `?`, `.await` or another jump run first, in
//! the order in which they are written; the others run chain by chain, from a source down to its ends.

mod check;
mod emit;
mod fault;
mod model;
mod nearest;
mod parse;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use fault::Faults;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut faults = Faults::default();
    let mut pipeline = parse::pipeline(input, &mut faults);
    let graph = check::check(&pipeline, &mut faults);
    if faults.is_empty() {
        emit::app(&mut pipeline, &graph)
    } else {
        // A value of the right type, so that nothing else is reported.
        let krate = pipeline.krate();
        let errors = faults.into_tokens();
        quote::quote!({ #errors #krate::App::new("") })
    }
}
