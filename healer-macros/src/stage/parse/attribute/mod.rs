//! `#[stage(key, key = value, key(…))]`.

mod values;

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Attribute, Expr, LitBool, LitInt, LitStr, Path, Result, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
    token,
};

use self::values::{circuit_breaker, function, on_error, order, parallel, retry, text, word};
use crate::{
    stage::fault::{Faults, fault},
    times,
};

const KEYS: &str = "`flat`, `batch`, `parallel = number`, `order = key`, `keyless = none`, `blocking`, `retry(attempts)`, `retry_if = function`, `timeout = \"time\"`, `rate = \"100/s\"`, `circuit_breaker(failures)`, `split`, `on_error = dead_letter(\"topic\")`, `skip = \"reason\"`, `report`, `crate = path`";

/// The settings of the attribute.
#[derive(Default)]
pub(in crate::stage) struct Settings {
    pub(in crate::stage) flat: Option<Ident>,
    pub(in crate::stage) batch: Option<Ident>,
    pub(in crate::stage) skip: Option<(Ident, LitStr)>,
    pub(in crate::stage) parallel: Option<(Ident, Most)>,
    pub(in crate::stage) order: Option<(Ident, Order)>,
    /// Whether records without a key have no order.
    pub(in crate::stage) keyless: Option<(Ident, bool)>,
    pub(in crate::stage) blocking: Option<Ident>,
    pub(in crate::stage) split: Option<Ident>,
    pub(in crate::stage) retry: Option<Retry>,
    pub(in crate::stage) retry_if: Option<(Ident, Path)>,
    pub(in crate::stage) timeout: Option<(Ident, Duration)>,
    /// The time from one call to the next.
    pub(in crate::stage) rate: Option<(Ident, Duration)>,
    pub(in crate::stage) circuit_breaker: Option<Breaker>,
    pub(in crate::stage) on_error: Option<(Ident, OnError)>,
    /// Which calls are reported with their input.
    pub(in crate::stage) report: Option<(Ident, Report)>,
    pub(in crate::stage) checkpoint: Option<Attribute>,
    krate: Option<Path>,
}

impl Settings {
    /// Whether a record may have to wait before it is worked on.
    pub(in crate::stage) fn pauses(&self) -> bool {
        self.retry.is_some() || self.rate.is_some() || self.circuit_breaker.is_some()
    }

    /// The path to healer. Its span is the function's, so that the compiler's errors about it point at the function.
    pub(in crate::stage) fn krate(&self, span: Span) -> TokenStream {
        let Some(path) = &self.krate else { return quote_spanned!(span=> ::healer) };
        let moved = path.to_token_stream().into_iter().map(|mut token| {
            token.set_span(token.span().located_at(span));
            token
        });
        moved.collect()
    }
}

/// How many calls a parallel stage makes at once.
pub(in crate::stage) enum Most {
    Fixed(Expr),
    /// Within these bounds, or those that are usual.
    Auto(Option<(Expr, Expr)>),
}

/// Which calls of a stage are reported.
#[derive(Clone, Copy)]
pub(in crate::stage) enum Report {
    Errors,
    All,
}

/// The order that a parallel stage keeps.
pub(in crate::stage) enum Order {
    Key,
    /// That of a key which this function gives.
    KeyOf(Path),
    Partition,
    None,
}

/// `retry(5, backoff = "100ms..10s", jitter = false)`.
pub(in crate::stage) struct Retry {
    pub(in crate::stage) key: Ident,
    pub(in crate::stage) attempts: LitInt,
    pub(in crate::stage) backoff: Option<(Duration, Duration)>,
    pub(in crate::stage) jitter: Option<LitBool>,
}

/// `circuit_breaker(10, pause = "30s")`.
pub(in crate::stage) struct Breaker {
    pub(in crate::stage) key: Ident,
    pub(in crate::stage) failures: LitInt,
    pub(in crate::stage) pause: Option<Duration>,
}

/// The fate of a record that failed.
pub(in crate::stage) enum OnError {
    Stop,
    Skip,
    /// To a topic, or to that of the configuration; and whether later records of the key follow.
    DeadLetter(Option<Expr>, Option<Ident>),
}

/// One key with its value.
struct Entry {
    key: Ident,
    value: Value,
}

enum Value {
    Nothing,
    Equals(TokenStream),
    Group(TokenStream),
}

/// Reads the attribute; every fault is at its own key or value.
pub(in crate::stage) fn settings(attribute: TokenStream, faults: &mut Faults) -> Settings {
    let mut settings = Settings::default();
    let mut seen: Vec<String> = Vec::new();
    for entry in faults.keep(entries.parse2(attribute)).unwrap_or_default() {
        let name = entry.key.to_string();
        if seen.contains(&name) {
            let help = format!("keep one `{name}`");
            faults.at(&entry.key, format!("`{name}` is set twice"), help);
            continue;
        }
        seen.push(name);
        if let Err(fault) = set(&mut settings, entry) {
            faults.add(fault);
        }
    }
    if let (Some(flat), Some(batch)) = (&settings.flat, &settings.batch) {
        let second = if seen.iter().position(|key| key == "flat") < seen.iter().position(|key| key == "batch")
        {
            batch
        } else {
            flat
        };
        let help = "keep `batch` and use `BatchMut::flat_map`, or keep `flat` and take one value";
        faults.at(
            second,
            "`flat` and `batch` exclude each other: a stage takes single values or whole batches",
            help,
        );
    }
    settings
}

fn entries(input: ParseStream<'_>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            let rest: TokenStream = input.parse()?;
            let first: TokenStream = rest.into_iter().take(1).collect();
            return Err(fault(first, "a key is missing here", format!("the keys are {KEYS}")));
        }
        let key = Ident::parse_any(input)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Equals(until_comma(input)?)
        } else if input.peek(token::Paren) {
            let content;
            syn::parenthesized!(content in input);
            Value::Group(content.parse()?)
        } else {
            Value::Nothing
        };
        entries.push(Entry { key, value });
        if !input.is_empty() && !input.peek(Token![,]) {
            let rest: TokenStream = input.parse()?;
            let first: TokenStream = rest.into_iter().take(1).collect();
            return Err(fault(first, "a comma is missing before this", "write `#[stage(key, key = value)]`"));
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(entries)
}

fn until_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut value = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        value.extend([input.parse::<TokenTree>()?]);
    }
    Ok(value)
}

fn set(settings: &mut Settings, Entry { key, value }: Entry) -> Result<()> {
    let name = key.to_string();
    match name.as_str() {
        "flat" | "batch" | "blocking" | "split" => {
            if let Value::Equals(extra) | Value::Group(extra) = value {
                let at = if extra.is_empty() { quote!(#key) } else { extra };
                return Err(fault(
                    at,
                    format!("`{name}` takes no value"),
                    format!("write `#[stage({name})]`"),
                ));
            }
            let slot = match name.as_str() {
                "flat" => &mut settings.flat,
                "batch" => &mut settings.batch,
                "split" => &mut settings.split,
                _ => &mut settings.blocking,
            };
            *slot = Some(key);
        }
        "skip" => {
            let help = "write `skip = \"cancelled\"`";
            let Value::Equals(text) = value else {
                return Err(fault(key, "`skip` needs the reason that its skips are counted under", help));
            };
            let reason: Option<LitStr> = syn::parse2(text.clone()).ok();
            match reason {
                Some(reason) if !reason.value().trim().is_empty() => settings.skip = Some((key, reason)),
                _ => {
                    let at = if text.is_empty() { quote!(#key) } else { text };
                    return Err(fault(at, "the reason of a skip is a text that is not empty", help));
                }
            }
        }
        "parallel" => settings.parallel = Some((key.clone(), parallel(&key, value)?)),
        "order" => {
            let order = order(&key, value)?;
            settings.order = Some((key, order));
        }
        "keyless" => {
            let words = [("partition", false), ("none", true)];
            settings.keyless = Some((key.clone(), word(&key, value, &words)?));
        }
        "retry" => settings.retry = Some(retry(key, value)?),
        "retry_if" => {
            let help = "write `retry_if = is_worth_it`, a `fn(&E) -> bool` of the stage's error";
            let Value::Equals(path) = value else {
                return Err(fault(key, "`retry_if` needs the function that decides", help));
            };
            let path = function(&key, path, help)?;
            settings.retry_if = Some((key, path));
        }
        "timeout" => {
            let text = text(&key, value, "write `timeout = \"30s\"`")?;
            settings.timeout = Some((key, times::some_time(&text)?));
        }
        "report" => {
            let which = match value {
                Value::Nothing => Report::Errors,
                value => word(&key, value, &[("errors", Report::Errors), ("all", Report::All)])?,
            };
            settings.report = Some((key, which));
        }
        "rate" => {
            let text = text(&key, value, "write `rate = \"100/s\"`")?;
            settings.rate = Some((key, times::rate(&text)?));
        }
        "circuit_breaker" => settings.circuit_breaker = Some(circuit_breaker(key, value)?),
        "on_error" => {
            let on_error = on_error(&key, value)?;
            settings.on_error = Some((key, on_error));
        }
        "crate" => {
            let help = "write `crate = path::to::healer`";
            let Value::Equals(path) = value else {
                return Err(fault(key, "`crate` needs the path to healer", help));
            };
            let at = if path.is_empty() { quote!(#key) } else { path.clone() };
            let path = Path::parse_mod_style.parse2(path);
            settings.krate = Some(path.map_err(|_| fault(at, "this is no path to healer", help))?);
        }
        "dead_letter" => {
            let help = "write `on_error = dead_letter` or `on_error = dead_letter(\"topic\")`";
            return Err(fault(key, "`dead_letter` is what `on_error` may say", help));
        }
        _ => {
            let message = format!("`#[stage]` has no key `{name}`");
            return Err(fault(key, message, format!("the keys are {KEYS}")));
        }
    }
    Ok(())
}
