//! The values that may stand after a key.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::{
    Expr, ExprLit, Lit, LitInt, LitStr, Path, Result, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use super::{Breaker, Most, OnError, Order, Retry, Value, until_comma};
use crate::{stage::fault::fault, times};

/// The fate of a record that failed.
pub(super) fn on_error(key: &Ident, value: Value) -> Result<OnError> {
    let help = "write `on_error = stop`, `on_error = skip`, `on_error = dead_letter(\"topic\")`, or `on_error = dead_letter` for the topic that the \
                configuration names";
    let tokens = match value {
        Value::Equals(tokens) if !tokens.is_empty() => tokens,
        _ => return Err(fault(key, "`on_error` needs to know what becomes of a record that failed", help)),
    };
    match tokens.to_string().as_str() {
        "stop" => return Ok(OnError::Stop),
        "skip" => return Ok(OnError::Skip),
        _ => {}
    }
    let call: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let inside = match call.as_slice() {
        [TokenTree::Ident(word), TokenTree::Group(inside)] if word == "dead_letter" => inside.stream(),
        [TokenTree::Ident(word)] if word == "dead_letter" => TokenStream::new(),
        _ => return Err(fault(&tokens, "`on_error` has no such value", help)),
    };
    let missing = || fault(&tokens, "dead letters need their topic, a text or the name of a constant", help);
    let parse = |input: ParseStream<'_>| {
        let is_setting = input.peek(Ident::peek_any) && input.peek2(Token![=]);
        let is_named = !is_setting && !input.is_empty();
        let topic: Option<Expr> = if is_named { Some(input.parse().map_err(|_| missing())?) } else { None };
        let mut quarantine = None;
        if (!is_named || input.parse::<Option<Token![,]>>()?.is_some()) && !input.is_empty() {
            let name = Ident::parse_any(input)?;
            let value =
                if input.parse::<Option<Token![=]>>()?.is_some() { until_comma(input)? } else { quote!() };
            if name != "quarantine" || value.to_string() != "key" {
                let help =
                    "write `dead_letter(\"topic\", quarantine = key)` or `dead_letter(quarantine = key)`";
                return Err(fault(&name, "dead letters know `quarantine = key` and nothing more", help));
            }
            quarantine = Some(name);
        }
        Ok((topic, quarantine))
    };
    let (topic, quarantine) = parse.parse2(inside)?;
    if topic.as_ref().is_some_and(|topic| !is_topic(topic)) {
        return Err(missing());
    }
    Ok(OnError::DeadLetter(topic, quarantine))
}

/// A text that is not empty, or the name of one.
fn is_topic(value: &Expr) -> bool {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(topic), .. }) => !topic.value().trim().is_empty(),
        Expr::Path(_) | Expr::Macro(_) => true,
        _ => false,
    }
}

/// How many calls at once.
pub(super) fn parallel(key: &Ident, value: Value) -> Result<Most> {
    let help = "write `parallel = 16`, the name of a constant of type `usize`, `parallel = auto` or `parallel = auto(4..64)`";
    let tokens = match value {
        Value::Equals(tokens) if !tokens.is_empty() => tokens,
        _ => return Err(fault(key, "`parallel` needs to know how many calls may run at once", help)),
    };
    let number: Expr =
        syn::parse2(tokens.clone()).map_err(|_| fault(&tokens, "this is no number of calls", help))?;
    match &number {
        Expr::Path(path) if path.path.is_ident("auto") => Ok(Most::Auto(None)),
        Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("auto")) => {
            let mut bounds = call.args.iter();
            let (Some(Expr::Range(range)), None) = (bounds.next(), bounds.next()) else {
                return Err(fault(&number, "`auto` knows a least and a most number of calls", help));
            };
            match (&range.start, &range.end) {
                (Some(least), Some(most)) => Ok(Most::Auto(Some(((**least).clone(), (**most).clone())))),
                _ => Err(fault(range, "`auto` knows a least and a most number of calls", help)),
            }
        }
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.base10_digits() == "0" => {
            let message = "with `parallel = 0` no record would ever be worked on";
            Err(fault(int, message, "the least is `parallel = 1`"))
        }
        Expr::Lit(ExprLit { lit, .. }) if !matches!(lit, Lit::Int(_)) => {
            Err(fault(lit, "this is no number of calls", help))
        }
        _ => Ok(Most::Fixed(number)),
    }
}

/// The order that stays.
pub(super) fn order(key: &Ident, value: Value) -> Result<Order> {
    let help = "write `order = key`, `order = key(customer)` with a `fn(&T) -> K` of what the stage takes, where `K` is `Hash`, \
                `order = partition` or `order = none`";
    let tokens = match value {
        Value::Equals(tokens) if !tokens.is_empty() => tokens,
        _ => return Err(fault(key, "`order` needs to know what stays in order", help)),
    };
    let words: Vec<TokenTree> = tokens.clone().into_iter().collect();
    match words.as_slice() {
        [TokenTree::Ident(word)] if word == "key" => Ok(Order::Key),
        [TokenTree::Ident(word)] if word == "partition" => Ok(Order::Partition),
        [TokenTree::Ident(word)] if word == "none" => Ok(Order::None),
        [TokenTree::Ident(word), TokenTree::Group(inside)] if word == "key" => {
            function(word, inside.stream(), help).map(Order::KeyOf)
        }
        _ => Err(fault(&tokens, "`order` has no such value", help)),
    }
}

/// The path to a function.
pub(super) fn function(key: &Ident, path: TokenStream, help: &str) -> Result<Path> {
    let at = if path.is_empty() { quote!(#key) } else { path.clone() };
    Path::parse_mod_style.parse2(path).map_err(|_| fault(at, "this is no path to a function", help))
}

/// One of a few words.
pub(super) fn word<W: Copy>(key: &Ident, value: Value, words: &[(&str, W)]) -> Result<W> {
    let all: Vec<_> = words.iter().map(|(word, _)| format!("`{key} = {word}`")).collect();
    let help = format!("write {}", all.join(" or "));
    let tokens = match value {
        Value::Equals(tokens) if !tokens.is_empty() => tokens,
        _ => return Err(fault(key, format!("`{key}` needs a word"), help)),
    };
    let found = words.iter().find(|(word, _)| tokens.to_string() == *word);
    found.map(|(_, meant)| *meant).ok_or_else(|| fault(&tokens, format!("`{key}` has no such value"), help))
}

/// A text that is not empty.
pub(super) fn text(key: &Ident, value: Value, help: &str) -> Result<LitStr> {
    let tokens = match value {
        Value::Equals(tokens) if !tokens.is_empty() => tokens,
        _ => return Err(fault(key, format!("`{key}` needs a text"), help)),
    };
    let found = syn::parse2::<LitStr>(tokens.clone()).ok().filter(|text| !text.value().trim().is_empty());
    found.ok_or_else(|| fault(&tokens, format!("`{key}` is a text in quotes"), help))
}

/// After how many failures, and for how long.
pub(super) fn circuit_breaker(key: Ident, value: Value) -> Result<Breaker> {
    let help = "write `circuit_breaker(10)` or `circuit_breaker(10, pause = \"30s\")`";
    let missing = "`circuit_breaker` needs to know after how many failures in a row the stage rests";
    let Value::Group(tokens) = value else { return Err(fault(key, missing, help)) };
    let parse = |input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(fault(&key, missing, help));
        }
        let failures: LitInt =
            input.parse().map_err(|error| fault_at(&error, "this is no number of failures", help))?;
        if failures.base10_parse::<u32>().ok().is_none_or(|failures| failures == 0) {
            return Err(fault(
                failures,
                "it would never let a call pass",
                "the least is `circuit_breaker(1)`",
            ));
        }
        let mut breaker = Breaker { key: key.clone(), failures, pause: None };
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let name = Ident::parse_any(input)
                .map_err(|error| fault_at(&error, "`circuit_breaker` has no such setting", help))?;
            if name != "pause" {
                return Err(fault(&name, format!("`circuit_breaker` has no setting `{name}`"), help));
            }
            input.parse::<Token![=]>().map_err(|_| fault(&name, "`pause` needs a value", help))?;
            let pause: TokenStream = input.parse()?;
            let at = if pause.is_empty() { quote!(#name) } else { pause.clone() };
            let pause: LitStr =
                syn::parse2(pause).map_err(|_| fault(at, "`pause` is a text such as \"30s\"", help))?;
            breaker.pause = Some(times::time(&pause)?);
        }
        if !input.is_empty() {
            return Err(fault(input.parse::<TokenStream>()?, "nothing more is known here", help));
        }
        Ok(breaker)
    };
    parse.parse2(tokens)
}

/// How often, and how long between.
pub(super) fn retry(key: Ident, value: Value) -> Result<Retry> {
    let help = "write `retry(5)` or `retry(5, backoff = \"100ms..10s\", jitter = false)`";
    let Value::Group(tokens) = value else {
        return Err(fault(key, "`retry` needs to know how often a record is tried in all", help));
    };
    let parse = |input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(fault(&key, "`retry` needs to know how often a record is tried in all", help));
        }
        let attempts: LitInt =
            input.parse().map_err(|error| fault_at(&error, "this is no number of attempts", help))?;
        if attempts.base10_parse::<u32>().ok().is_none_or(|attempts| attempts < 2) {
            let message = "the first attempt counts, too: with fewer than 2 nothing is tried again";
            return Err(fault(attempts, message, "the least is `retry(2)`"));
        }
        let mut retry = Retry { key: key.clone(), attempts, backoff: None, jitter: None };
        while !input.is_empty() {
            input.parse::<Token![,]>().map_err(|error| fault_at(&error, "a comma is missing here", help))?;
            if input.is_empty() {
                break;
            }
            let name = Ident::parse_any(input)
                .map_err(|error| fault_at(&error, "`retry` has no such setting", help))?;
            input.parse::<Token![=]>().map_err(|_| fault(&name, format!("`{name}` needs a value"), help))?;
            let value = until_comma(input)?;
            let at = if value.is_empty() { quote!(#name) } else { value.clone() };
            match name.to_string().as_str() {
                "backoff" if retry.backoff.is_none() => {
                    let backoff: LitStr = syn::parse2(value)
                        .map_err(|_| fault(at, "`backoff` is a text such as \"100ms..10s\"", help))?;
                    retry.backoff = Some(times::pauses(&backoff)?);
                }
                "jitter" if retry.jitter.is_none() => {
                    let jitter = syn::parse2(value);
                    retry.jitter =
                        Some(jitter.map_err(|_| fault(at, "`jitter` is `true` or `false`", help))?);
                }
                "backoff" | "jitter" => {
                    return Err(fault(&name, format!("`{name}` is set twice"), format!("keep one `{name}`")));
                }
                _ => return Err(fault(&name, format!("`retry` has no setting `{name}`"), help)),
            }
        }
        Ok(retry)
    };
    parse.parse2(tokens)
}

/// A fault where syn found one.
fn fault_at(error: &syn::Error, message: &str, help: &str) -> syn::Error {
    fault(Ident::new("here", error.span()), message, help)
}
