//! From tokens to the model. Every piece is looked at, also when others have faults.

mod arguments;
mod cut;
mod head;
mod label;
mod node;
mod options;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, Result,
    parse::{ParseStream, Parser as _},
};

use self::cut::{Piece, is_punct, is_word, stream};
pub(super) use self::node::call_path;
use super::{
    fault::{Faults, fault},
    model::{Head, Kind, Node, Pipeline, Statement},
};

pub(super) fn pipeline(input: TokenStream, faults: &mut Faults) -> Pipeline {
    let mut pipeline = Pipeline::default();
    for (tokens, closed) in cut::statements(input) {
        if tokens.is_empty() {
            continue;
        }
        if !closed {
            faults.at(tokens.last(), "a `;` is missing here", "every line of a pipeline ends in `;`");
        }
        if !options::take(&tokens, &mut pipeline, faults) {
            pipeline.statements.push(statement(tokens, faults));
        }
    }
    options::check(&pipeline, faults);
    pipeline
}

fn statement(mut tokens: Vec<TokenTree>, faults: &mut Faults) -> Statement {
    let all = stream(&tokens);
    let mut broken = false;
    let mut note = |error, faults: &mut Faults| {
        broken = true;
        faults.add(error);
    };
    let attributes = node::attributes(&mut tokens);
    if !attributes.is_empty() {
        let help = "put it on nodes, as in `=> #[cfg(…)] filter(…)`, or on the whole pipeline";
        note(
            fault(attributes, "an attribute can't stand on a line: its stream may be used in others", help),
            faults,
        );
    }
    if tokens.first().is_some_and(|first| is_word(first, "let")) {
        note(fault(&tokens[0], "a stream is bound without `let`", "write `name = …;`"), faults);
        tokens.remove(0);
    }
    let bound = match &tokens[..] {
        [TokenTree::Ident(name), equals, rest @ ..]
            if is_punct(equals, '=') && !rest.first().is_some_and(|next| is_arrow(equals, next)) =>
        {
            Some(name.clone())
        }
        _ => None,
    };
    if bound.is_some() {
        tokens.drain(..2);
    }
    let mut pieces = cut::pieces(tokens).into_iter();
    let first = pieces.next().map(|piece| piece.tokens).unwrap_or_default();
    let head = head::head(first, &all).unwrap_or_else(|error| {
        note(error, faults);
        Head::Broken
    });
    let nodes = pieces.map(|piece| {
        node_of(piece).unwrap_or_else(|(tokens, error)| {
            note(error, faults);
            Node::of(Kind::Broken, tokens)
        })
    });
    let nodes = nodes.collect();
    Statement { bound, head, nodes, tokens: all, broken }
}

fn node_of(piece: Piece) -> std::result::Result<Node, (TokenStream, syn::Error)> {
    let Piece { arrow, tokens } = piece;
    if tokens.is_empty() {
        let arrow: TokenStream = arrow.into_iter().flatten().map(TokenTree::Punct).collect();
        let error = fault(&arrow, "nothing follows this `=>`", "put a stage, a sink or `heal` after it");
        return Err((arrow, error));
    }
    let all = stream(&tokens);
    node::node(tokens).map_err(|error| (all, error))
}

fn is_arrow(equals: &TokenTree, next: &TokenTree) -> bool {
    let joint = matches!(equals, TokenTree::Punct(punct) if punct.spacing() == proc_macro2::Spacing::Joint);
    joint && (is_punct(next, '>') || is_punct(next, '='))
}

/// One expression and nothing after it.
fn value(tokens: &[TokenTree]) -> Result<Expr> {
    let whole = |input: ParseStream<'_>| {
        let value = input.parse()?;
        end(input)?;
        Ok(value)
    };
    whole.parse2(stream(tokens))
}

/// Nothing may be left.
fn end(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() {
        return Ok(());
    }
    let rest: TokenStream = input.parse()?;
    let first = rest.into_iter().next();
    Err(match &first {
        Some(token @ TokenTree::Group(_)) => fault(token, "nothing of the pipeline can stand here", STRAY),
        Some(token) => fault(token, format!("`{token}` can't stand here"), STRAY),
        None => return Ok(()),
    })
}

const STRAY: &str = "put `=>` before the next node, or end the line with `;`";
