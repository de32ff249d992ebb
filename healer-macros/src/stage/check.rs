//! Checks of the settings against the signature.

use crate::stage::{
    fault::Faults,
    parse::{Function, OnError, Order, Output, Parameters, Settings},
};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Pat;

pub(super) fn check(
    settings: &Settings,
    function: &Function,
    parameters: &Parameters,
    output: &Output,
    faults: &mut Faults,
) {
    let name = &function.sig.ident;
    if let Some((key, _)) = &settings.skip
        && settings.flat.is_none()
        && !output.opened.may_skip()
    {
        let (message, help) = if settings.batch.is_some() {
            (
                "a batch stage skips no record by itself",
                "give the reason where rows are dropped: `rows.filter(\"reason\", …)`",
            )
        } else {
            (
                "the stage never skips a record: it returns no `Option`",
                "return `Option<U>` or `Result<Option<U>, E>`, or remove `skip`",
            )
        };
        faults.at(key, message, help);
    }
    check_calls(settings, function, faults);
    if settings.batch.is_none() {
        return;
    }
    if let Some(Pat::Ident(rows)) = parameters.input.as_ref().map(|input| &*input.pat)
        && let Some((method, at)) = without_a_reason(function.body.clone(), &rows.ident)
    {
        let help = format!("write `.{method}(\"reason\", …)`");
        faults.hide_body();
        faults.at(
            at,
            format!("`{method}` of a batch needs the reason that the rows which it drops are counted under"),
            help,
        );
    }
    if let Some(context) = &parameters.context {
        faults.at(
            &context.ty,
            "a batch has no single context: each row comes with its own",
            "remove the parameter; `rows.iter()` gives `(&Context, &T)` of each row",
        );
    }
    if let Some(checkpoint) = &settings.checkpoint {
        faults.at(
            checkpoint,
            format!("`{name}` gives whole batches, and a checkpoint keeps single values"),
            "put `#[checkpoint]` on a stage before the batch",
        );
    }
}

/// `rows.filter(|row| …)`, also at the end of such calls: the compiler would ask for the closure's types instead of the reason.
fn without_a_reason(body: TokenStream, rows: &Ident) -> Option<(Ident, TokenTree)> {
    const GIVE_A_BATCH: [&str; 7] =
        ["map", "try_map", "try_map_all", "filter", "flat_map", "route", "reduce"];
    let body: Vec<TokenTree> = body.into_iter().collect();
    for (at, token) in body.iter().enumerate() {
        if let TokenTree::Group(group) = token
            && let Some(found) = without_a_reason(group.stream(), rows)
        {
            return Some(found);
        }
        if !matches!(token, TokenTree::Ident(ident) if ident == rows) {
            continue;
        }
        let mut rest = &body[at + 1..];
        while let [TokenTree::Punct(dot), TokenTree::Ident(method), TokenTree::Group(arguments), after @ ..] =
            rest
            && dot.as_char() == '.'
            && GIVE_A_BATCH.iter().any(|name| method == name)
        {
            let first = arguments.stream().into_iter().next();
            if let Some(first) = first.filter(|first| ["|", "move"].contains(&first.to_string().as_str()))
                && (method == "filter" || method == "flat_map")
            {
                return Some((method.clone(), first));
            }
            rest = match after {
                [TokenTree::Punct(question), after @ ..] if question.as_char() == '?' => after,
                _ => after,
            };
        }
    }
    None
}

/// How calls run, beside each other and beside the poll thread.
fn check_calls(settings: &Settings, function: &Function, faults: &mut Faults) {
    let Settings { flat, batch, parallel, order, keyless, blocking, .. } = settings;
    let keys = [
        parallel.as_ref().map(|(key, _)| key),
        order.as_ref().map(|(key, _)| key),
        keyless.as_ref().map(|(key, _)| key),
        blocking.as_ref(),
        settings.retry.as_ref().map(|retry| &retry.key),
        settings.timeout.as_ref().map(|(key, _)| key),
        settings.retry_if.as_ref().map(|(key, _)| key),
        settings.rate.as_ref().map(|(key, _)| key),
        settings.circuit_breaker.as_ref().map(|breaker| &breaker.key),
    ];
    // The keys that a stage of many values does not know.
    let (several, unknown) = match (flat, batch) {
        (Some(flat), _) => (Some(flat), &keys[..]),
        (_, Some(batch)) => (Some(batch), &keys[..4]),
        _ => (None, &keys[..0]),
    };
    if let (Some(kind), Some(key)) = (several, unknown.iter().flatten().next()) {
        let help = format!("remove `{key}`; put it on a stage of single values before or after this one");
        faults.at(key, format!("`{key}` is not built for `{kind}` stages"), help);
        return;
    }
    match (batch, &settings.split, &settings.on_error) {
        (None, Some(split), _) => faults.at(
            split,
            "`split` tries the rows of a batch apart, and here is none",
            "add `batch`, or remove `split`",
        ),
        (Some(_), None, Some((key, OnError::Skip | OnError::DeadLetter(..)))) => faults.at(
            key,
            "of a batch that fails nobody knows which row is at fault: all of them would be given up",
            "add `split`: rows that failed together are tried by halves, down to the one that fails alone",
        ),
        _ => {}
    }
    if let Some((_, OnError::DeadLetter(_, Some(quarantine)))) = &settings.on_error
        && (parallel.is_none()
            || order.as_ref().is_some_and(|(_, order)| !matches!(order, Order::Key | Order::KeyOf(_))))
    {
        faults.at(
            quarantine,
            "a quarantine of keys keeps an order that this stage does not have",
            "add `parallel = 16`, whose order is that of the key unless `order` says otherwise",
        );
    }
    if let Some(blocking) = blocking
        && let Some(asynchronous) = &function.sig.asyncness
    {
        let help = "remove `blocking`, or make the function synchronous";
        faults.at(
            blocking,
            format!("an `{}` function gives way where it waits", asynchronous.to_token_stream()),
            help,
        );
    }
    if let (None, Some((key, _))) = (&settings.retry, &settings.retry_if) {
        faults.at(key, "without `retry` nothing is tried again", "add `retry(5)`");
    }
    if let (Some((key, _)), None) = (&settings.timeout, &function.sig.asyncness) {
        let help = "make the function `async`, or remove `timeout`";
        faults.at(
            key,
            "a synchronous function cannot be interrupted: its `timeout` would change nothing",
            help,
        );
    }
    if parallel.is_none()
        && let Some(key) = keys[1].or(keys[2])
    {
        let help = "add `parallel = 16`";
        faults.at(
            key,
            "without `parallel` a stage takes the records of a partition one by one, in order",
            help,
        );
        return;
    }
    if let (Some((_, order)), Some((keyless, _))) = (order, keyless)
        && !matches!(order, Order::Key)
    {
        faults.at(
            keyless,
            "`keyless` says what `order = key` does with records that have no key",
            "remove one of the two",
        );
    }
}
