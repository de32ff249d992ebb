//! The start of a statement: a source, a bound name, or a union of bound names.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, Ident, Result, Token,
    parse::{ParseStream, Parser as _},
    punctuated::Punctuated,
};

use super::{
    cut::{in_parentheses, thin_arrow},
    label,
    node::{call_path, thin},
    value,
};
use crate::pipeline::{
    fault::fault,
    model::{Head, Label},
};

/// Joins that are known by name and do not work yet.
const LATER: [&str; 3] = ["zip", "combine_latest", "join"];

pub(super) fn head(mut tokens: Vec<TokenTree>, statement: &TokenStream) -> Result<Head> {
    if tokens.is_empty() {
        let help =
            "start the line with a source such as `kafka::json::<Flight>(\"flights\")`, or with a bound name";
        return Err(fault(statement, "a source is missing: no record would flow here", help));
    }
    if let Some(arrow) = thin_arrow(&tokens) {
        return Err(thin(arrow));
    }
    let label = label::take(&mut tokens)?;
    match &tokens[..] {
        [TokenTree::Ident(name)] => stream(name, label),
        [TokenTree::Ident(word), group, ..] if word == "union" && in_parentheses(group).is_some() => {
            if let Some(extra) = tokens.get(2) {
                return Err(fault(
                    extra,
                    "nothing but a name can follow a union",
                    "put `=>` before the next node",
                ));
            }
            union(word.clone(), in_parentheses(group).unwrap_or_default(), label)
        }
        [TokenTree::Ident(word), group, ..]
            if LATER.iter().any(|later| word == later) && in_parentheses(group).is_some() =>
        {
            Err(fault(word, format!("`{word}` is not built yet"), "`union(a, b)` joins streams of one type"))
        }
        _ => source(value(&tokens)?, label),
    }
}

fn stream(name: &Ident, label: Label) -> Result<Head> {
    if let Some(label) = label.name {
        let help = format!("write it where `{name}` is bound, after its last node");
        return Err(fault(label, "a name belongs to the node that it follows", help));
    }
    if let Some(word) = label.checkpoint {
        return Err(misplaced_checkpoint(&word, name));
    }
    Ok(Head::Stream(name.clone()))
}

/// A checkpoint that has no node before it.
pub(super) fn misplaced_checkpoint(word: &Ident, stream: &Ident) -> syn::Error {
    let help = format!("write it where `{stream}` is bound, after its last node");
    fault(word, "a checkpoint keeps what the node before it gives, and here is none", help)
}

fn union(word: Ident, inputs: TokenStream, label: Label) -> Result<Head> {
    let names = |input: ParseStream<'_>| Punctuated::<Expr, Token![,]>::parse_terminated(input);
    let mut found: Vec<Ident> = Vec::new();
    for input in names.parse2(inputs)? {
        let name = match &input {
            Expr::Path(path) => path.path.get_ident().filter(|_| path.qself.is_none()),
            _ => None,
        };
        let Some(name) = name else {
            let help = "bind the stream first, as in `east = kafka::json::<Flight>(\"east\");`, and join it by its name";
            return Err(fault(input, "a union joins streams by the names that they are bound to", help));
        };
        if found.contains(name) {
            let about =
                format!("`{name}` flows into this union twice: each of its records would arrive twice");
            return Err(fault(name, about, "name each stream once"));
        }
        found.push(name.clone());
    }
    if found.len() < 2 {
        let about = format!("this union joins {} of the two streams that it needs", found.len());
        return Err(fault(word, about, "write `union(a, b)` with the names of two or more bound streams"));
    }
    Ok(Head::Union { word, inputs: found, label })
}

fn source(value: Expr, label: Label) -> Result<Head> {
    match &value {
        Expr::Closure(_)
        | Expr::Lit(_)
        | Expr::Binary(_)
        | Expr::Range(_)
        | Expr::Assign(_)
        | Expr::Unary(_) => {
            let help = "start it with a source such as `kafka::json::<Flight>(\"flights\")`, with a bound name, or with `union(a, b)`";
            return Err(fault(
                &value,
                "a line of a pipeline starts with something that records flow out of",
                help,
            ));
        }
        _ => {}
    }
    if let Some(path) = call_path(&value)
        && let Some(last) = path.segments.last()
        && (last.ident.to_string().starts_with("to_") || is_kafka_sink(path))
    {
        let help = "start the line with the stream that it should send, as in `late => kafka::to_json(\"late\") => heal;`";
        return Err(fault(value, "nothing flows into this sink: no record would ever be sent", help));
    }
    Ok(Head::Source { value, label })
}

fn is_kafka_sink(path: &syn::Path) -> bool {
    let names: Vec<_> = path.segments.iter().rev().take(2).map(|segment| segment.ident.to_string()).collect();
    names == ["sink", "kafka"]
}
