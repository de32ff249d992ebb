//! Words with arguments: methods of `Stream` and their settings, and the settings of stages.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Error, Expr, ExprLit, Ident, Lit, Result, Token,
    parse::{ParseStream, Parser as _},
};

use super::cut::stream;
use crate::{
    pipeline::{fault::fault, model::Kind, nearest::nearest},
    times,
};

/// A method of `Stream`.
struct Method {
    word: &'static str,
    /// The kind of its one value, in words.
    takes: &'static str,
    example: &'static str,
    settings: &'static [&'static str],
}

impl Method {
    fn takes_only(&self) -> String {
        match self.takes {
            NOTHING => format!("takes {NOTHING} and no setting"),
            takes => format!("takes {takes} and nothing more"),
        }
    }
}

const METHODS: [Method; 5] = [
    Method { word: "map", takes: "a closure", example: "map(|value| …)", settings: &[] },
    Method {
        word: "try_map",
        takes: "a closure that gives a `Result`",
        example: "try_map(|value| …)",
        settings: &[],
    },
    Method {
        word: "filter",
        takes: "a closure that says what flows on",
        example: "filter(|value| …, reason = \"…\")",
        settings: &["reason"],
    },
    Method {
        word: "batch",
        takes: "a number of rows",
        example: "batch(500, within = \"1s\")",
        settings: &["within"],
    },
    Method { word: "unbatch", takes: NOTHING, example: "unbatch()", settings: &[] },
];

/// The value of a method without one.
const NOTHING: &str = "no value";

/// Settings of stages: all of them stand at the function.
const SETTINGS: [&str; 14] = [
    "parallel",
    "order",
    "keyless",
    "blocking",
    "retry",
    "retry_if",
    "timeout",
    "rate",
    "circuit_breaker",
    "split",
    "on_error",
    "skip",
    "flat",
    "batch",
];

/// Whether a word is a method of `Stream`.
pub(super) fn is_method(word: &Ident) -> bool {
    METHODS.iter().any(|method| word == method.word)
}

/// One word with arguments, and types before them if it has some.
pub(super) fn method(word: &Ident, types: TokenStream, arguments: TokenStream) -> Result<Kind> {
    let Some(method) = METHODS.iter().find(|method| word == method.word) else {
        return Err(unknown_word(word));
    };
    let mut values = Vec::new();
    let mut settings: Vec<(Ident, Expr)> = Vec::new();
    for (key, value) in list.parse2(arguments)? {
        let Some(key) = key else {
            if let Some((last, _)) = settings.last() {
                return Err(fault(
                    value,
                    format!("this value stands after `{last} = …`"),
                    "values come before settings",
                ));
            }
            if !values.is_empty() || method.takes == NOTHING {
                return Err(fault(
                    value,
                    format!("`{word}` {}", method.takes_only()),
                    format!("write `{}`", method.example),
                ));
            }
            if word != "map" && is_async(&value) {
                let help = if word == "filter" {
                    "make it a stage, `async fn name(value: T) -> Option<T>` with `#[stage]`, whose `None` skips the record"
                } else {
                    "make it a stage, `async fn name(value: T) -> Result<U, E>` with `#[stage]`"
                };
                return Err(fault(
                    value,
                    format!("`{word}` asks at once, and this gives a future, which nobody would poll"),
                    help,
                ));
            }
            values.push(value);
            continue;
        };
        if settings.iter().any(|(known, _)| *known == key) {
            return Err(fault(&key, format!("`{key}` is set twice"), "keep one"));
        }
        if !method.settings.iter().any(|known| key == known) {
            let help = match method.settings {
                [] => format!("it {}", method.takes_only()),
                [only] => format!("it knows `{only} = …`"),
                more => format!("it knows {}", more.join(", ")),
            };
            return Err(fault(&key, format!("`{word}` has no setting `{key}`"), help));
        }
        if key == "within"
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &value
        {
            times::time(text)?;
        }
        settings.push((key, value));
    }
    if values.is_empty() && method.takes != NOTHING {
        return Err(fault(
            word,
            format!("`{word}` takes {}", method.takes),
            format!("write `{}`", method.example),
        ));
    }
    Ok(Kind::Method { word: word.clone(), types, values, settings })
}

/// Whether a closure gives a future, as far as is written.
fn is_async(value: &Expr) -> bool {
    matches!(value, Expr::Closure(closure) if closure.asyncness.is_some() || matches!(*closure.body, Expr::Async(_)))
}

/// A word with arguments that is none of ours.
pub(super) fn unknown_word(word: &Ident) -> Error {
    if word == "union" {
        return late_union(word);
    }
    let name = word.to_string();
    if let Some(meant) = nearest(&name, METHODS.iter().map(|method| method.word)) {
        return fault(word, format!("there is no `{word}(…)`"), format!("did you mean `{meant}`?"));
    }
    if word == "partition" {
        let help = "write `batch(500, within = \"1s\")` to gather rows";
        return fault(word, "there is no `partition(…)`: partitions are those of the topics", help);
    }
    if word == "zip" || word == "combine_latest" || word == "join" {
        return fault(word, format!("`{word}` is not built yet"), "`union(a, b)` joins streams of one type");
    }
    if name.starts_with("to_") {
        return fault(word, "a sink is written with its module", format!("write `kafka::{name}(…)`"));
    }
    if name == "checkpoint" {
        return fault(word, "`checkpoint` takes no arguments", "write `checkpoint` after the node");
    }
    let help = format!(
        "write `{word}`; its settings stand at the function, as in `#[stage(retry(5))]`; if it is a function that gives a stage or a \
         sink, write `({word}(…))`"
    );
    fault(word, format!("`{word}(…)`: a stage is written without arguments"), help)
}

fn late_union(word: &Ident) -> Error {
    let help = "write `both = union(a, b);`, with the names of the streams that it joins";
    fault(word, "a union starts a line: it joins streams by the names that they are bound to", help)
}

/// `batch(500).within("1s")`.
pub(super) fn chained(word: &Ident, rest: &[TokenTree]) -> Error {
    let Some(method) = METHODS.iter().find(|method| word == method.word) else {
        return unknown_word(word);
    };
    let help = if method.settings.is_empty() {
        "put `=>` before the next node, and a name after `as`".to_owned()
    } else {
        format!("write `{}`", method.example)
    };
    let setter: TokenStream = stream(&rest[..rest.len().min(2)]);
    fault(setter, format!("settings of `{word}` stand among its arguments"), help)
}

/// The settings of a stage: none of them stands here.
pub(super) fn stage_settings(keys: TokenStream) -> Result<()> {
    let mut seen: Vec<Ident> = Vec::new();
    let mut faults: Option<Error> = None;
    for (key, value) in list.parse2(keys)? {
        let error = match key {
            None => fault(value, "a setting is written `key = value`", "write `.with(key = value)`"),
            Some(key) if seen.contains(&key) => fault(&key, format!("`{key}` is set twice"), "keep one"),
            Some(key) => {
                let error = setting(&key);
                seen.push(key);
                error
            }
        };
        match &mut faults {
            Some(faults) => faults.combine(error),
            None => faults = Some(error),
        }
    }
    faults.map_or(Ok(()), Err)
}

fn setting(key: &Ident) -> Error {
    let name = key.to_string();
    let at_function = |name: &str| format!("write it at the function, as in `#[stage({name} …)]`");
    if SETTINGS.contains(&name.as_str()) {
        return fault(key, format!("`{key}` belongs to the stage"), at_function(&name));
    }
    let about = format!("a stage has no setting `{key}`");
    match nearest(&name, SETTINGS) {
        Some(meant) => fault(key, about, format!("did you mean `{meant}`? {}", at_function(meant))),
        None => fault(key, about, format!("the settings stand at the function: {}", SETTINGS.join(", "))),
    }
}

type Argument = (Option<Ident>, Expr);

fn list(input: ParseStream<'_>) -> Result<Vec<Argument>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let is_setting = input.peek(syn::Ident)
            && input.peek2(Token![=])
            && !input.peek2(Token![==])
            && !input.peek2(Token![=>]);
        let key = if is_setting {
            let key = input.parse()?;
            input.parse::<Token![=]>()?;
            Some(key)
        } else {
            None
        };
        found.push((key, input.parse()?));
        if input.is_empty() {
            break;
        }
        if !input.peek(Token![,]) {
            let rest: TokenStream = input.parse()?;
            return Err(fault(
                rest.into_iter().next(),
                "a `,` is missing here",
                "arguments are separated by `,`",
            ));
        }
        input.parse::<Token![,]>()?;
    }
    Ok(found)
}
