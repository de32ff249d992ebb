//! The node after a `=>`.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{
    Error, Expr, ExprPath, Ident, Path, PathArguments, Result, Type,
    parse::{ParseStream, Parser as _},
};

use super::{
    arguments,
    cut::{in_parentheses, is_punct, is_word, stream, thin_arrow},
    end, label, value,
};
use crate::pipeline::{
    fault::fault,
    model::{Kind, Label, Node},
};

pub(super) fn node(mut tokens: Vec<TokenTree>) -> Result<Node> {
    let all = stream(&tokens);
    let attributes = attributes(&mut tokens);
    if tokens.is_empty() {
        return Err(fault(all, "a node is missing after this attribute", "put a stage or a sink after it"));
    }
    if is_closure(&tokens) {
        let help = "write `map(|value| …)`, or `try_map(|value| …)` where it may fail";
        return Err(fault(all, "a closure alone is no node", help));
    }
    if let Some(arrow) = thin_arrow(&tokens) {
        return Err(thin(arrow));
    }
    if is_word(&tokens[0], "heal") {
        if !attributes.is_empty() {
            let about = "without `heal` the offsets of these records would never be committed";
            return Err(fault(attributes, about, "write `heal` without an attribute"));
        }
        return heal(&tokens, all);
    }
    let label = label::take(&mut tokens)?;
    let kind = match &tokens[..] {
        [] => {
            return Err(fault(
                all,
                "a node is missing before this",
                "put `as` and `checkpoint` after a node",
            ));
        }
        [TokenTree::Ident(word)] if word == "checkpoint" => checkpoint(word, &label)?,
        // Words of the DSL have arguments: a word without any is always the user's, so that new words break no one's stages.
        [TokenTree::Ident(_)] => Kind::Stage(syn::parse2(stream(&tokens))?),
        [TokenTree::Ident(word), types @ .., group]
            if in_parentheses(group).is_some()
                && (types.is_empty() || arguments::is_method(word) && is_turbofish(types)) =>
        {
            arguments::method(word, stream(types), in_parentheses(group).unwrap_or_default())?
        }
        [TokenTree::Ident(word), group, dot, ..] if in_parentheses(group).is_some() && is_punct(dot, '.') => {
            return Err(arguments::chained(word, &tokens[2..]));
        }
        [TokenTree::Ident(word), group, extra, ..] if in_parentheses(group).is_some() => {
            let help = "put `=>` before the next node, or end the line with `;`";
            return Err(fault(extra, format!("this can't follow `{word}(…)`"), help));
        }
        _ => longer(&tokens)?,
    };
    Ok(Node { attributes, kind, label, tokens: all })
}

/// Takes `#[…]` off the start.
pub(super) fn attributes(tokens: &mut Vec<TokenTree>) -> TokenStream {
    let mut taken = TokenStream::new();
    while let [hash, TokenTree::Group(group), ..] = &tokens[..]
        && is_punct(hash, '#')
        && group.delimiter() == Delimiter::Bracket
    {
        taken.extend(tokens.drain(..2));
    }
    taken
}

/// A `->` between nodes.
pub(super) fn thin(arrow: &[TokenTree]) -> Error {
    fault(stream(arrow), "nodes are joined by `=>`, not by `->`", "write `=>`")
}

/// `::<T>`, which the compiler proposes where a type is not known.
fn is_turbofish(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [one, two, open, .., close]
        if is_punct(one, ':') && is_punct(two, ':') && is_punct(open, '<') && is_punct(close, '>'))
}

fn is_closure(tokens: &[TokenTree]) -> bool {
    let start = tokens.iter().find(|token| !is_word(token, "move") && !is_word(token, "async"));
    start.is_some_and(|token| is_punct(token, '|'))
}

fn heal(tokens: &[TokenTree], all: TokenStream) -> Result<Node> {
    match tokens {
        [TokenTree::Ident(word)] => Ok(Node::of(Kind::Heal(word.clone()), all)),
        [word, group] if in_parentheses(group).is_some() => {
            Err(fault(group, format!("`{word}` takes no arguments"), "write `heal`"))
        }
        [_, extra, ..] if is_punct(extra, ':') => Ok(Node::of(longer(tokens)?, all)),
        [_, extra, ..] => {
            let about = "nothing may follow `heal`: the offsets are settled there";
            Err(fault(extra, about, "end the line with `;` after `heal`, or put this before it"))
        }
        _ => Err(fault(all, "this is no node", "write `heal`")),
    }
}

fn checkpoint(word: &Ident, label: &Label) -> Result<Kind> {
    match &label.checkpoint {
        Some(second) => Err(fault(
            second,
            "`checkpoint` stands here twice",
            "one is enough: the second would keep the same value",
        )),
        None => Ok(Kind::Checkpoint(word.clone())),
    }
}

/// A path, a path with settings, or an expression.
fn longer(tokens: &[TokenTree]) -> Result<Kind> {
    if let Ok(path) = syn::parse2::<ExprPath>(stream(tokens)) {
        return stage(path);
    }
    if let Ok(Type::Path(of)) = syn::parse2::<Type>(stream(tokens)) {
        return stage(turbofish(ExprPath { attrs: Vec::new(), qself: of.qself, path: of.path }));
    }
    let with = |input: ParseStream<'_>| settings(input);
    if let Ok(found) = with.parse2(stream(tokens)) {
        return found;
    }
    expression(value(tokens)?)
}

/// `path.with(key = value)`. The outer error says that the tokens are no such call, the inner one that the call has a fault.
fn settings(input: ParseStream<'_>) -> Result<Result<Kind>> {
    let path: ExprPath = input.parse()?;
    input.parse::<syn::Token![.]>()?;
    let method: Ident = input.parse()?;
    let content;
    syn::parenthesized!(content in input);
    let keys: TokenStream = content.parse()?;
    let rest: TokenStream = input.fork().parse()?;
    if method != "with" {
        let help =
            "a stage is set with `.with(key = value)`; any other node goes in parentheses: `(sinks.late())`";
        input.parse::<TokenStream>()?;
        return Ok(Err(fault(&method, format!("a stage has no method `{method}`"), help)));
    }
    if !rest.is_empty() {
        let checked = end(input);
        input.parse::<TokenStream>()?;
        return Ok(checked.map(|()| Kind::Broken));
    }
    Ok(arguments::stage_settings(keys).map(|()| Kind::Stage(path)))
}

fn stage(path: ExprPath) -> Result<Kind> {
    let names: Vec<_> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    if let [.., module, sink] = &names[..]
        && module == "kafka"
        && sink.starts_with("to_")
    {
        return Err(fault(
            &path,
            format!("the topic of this sink is missing: `{sink}` takes arguments"),
            format!("write `kafka::{sink}(\"topic\")`"),
        ));
    }
    Ok(Kind::Stage(path))
}

/// The same path as it is written in expressions.
fn turbofish(mut path: ExprPath) -> ExprPath {
    for segment in &mut path.path.segments {
        if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
            arguments.colon2_token.get_or_insert_default();
        }
    }
    path
}

fn expression(value: Expr) -> Result<Kind> {
    let made = matches!(
        value,
        Expr::Paren(_)
            | Expr::Block(_)
            | Expr::Macro(_)
            | Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Try(_)
            | Expr::Await(_)
            | Expr::If(_)
            | Expr::Match(_)
            | Expr::Group(_)
    );
    let path = call_path(&value);
    if let Some(path) = path
        && is_kafka_source(path)
    {
        let help = "bind it on a line of its own, as in `planes = kafka::json::<Plane>(\"planes\") => …;`";
        return Err(fault(&value, "a source starts a line: nothing can flow into it", help));
    }
    if let Some(path) = path
        && let Some(ident) = only_segment(path)
    {
        return Err(arguments::unknown_word(ident));
    }
    if made {
        return Ok(Kind::Value(value));
    }
    let help = "after `=>` stands a stage, a sink such as `kafka::to_json(\"topic\")`, `map(…)`, `filter(…)`, `batch(…)`, `unbatch()` or `heal`";
    Err(fault(value, "this is no node: records can't flow into it", help))
}

/// The path of the function that an expression starts with.
pub(in crate::pipeline) fn call_path(value: &Expr) -> Option<&Path> {
    match value {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => Some(&path.path),
            _ => None,
        },
        Expr::MethodCall(call) => call_path(&call.receiver),
        Expr::Try(tried) => call_path(&tried.expr),
        Expr::Await(awaited) => call_path(&awaited.base),
        _ => None,
    }
}

fn only_segment(path: &Path) -> Option<&Ident> {
    match (path.leading_colon, path.segments.len()) {
        (None, 1) => path.segments.first().map(|segment| &segment.ident),
        _ => None,
    }
}

fn is_kafka_source(path: &Path) -> bool {
    let names: Vec<_> = path.segments.iter().rev().take(2).map(|segment| segment.ident.to_string()).collect();
    matches!(&names[..], [source, module] if module == "kafka"
        && ["json", "bincode", "bytes", "string", "source"].contains(&source.as_str()))
}
