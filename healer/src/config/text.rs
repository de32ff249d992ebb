//! Settings that are a text, but not any: what is wrong with a log level, a service's name or a host is said before
//! anything starts.

use std::net::Ipv6Addr;

use super::{
    builder::invalid,
    settings::TextSetting,
    source::{Given, Source},
};

pub(super) const LEVEL_ALLOWED: &str = "`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`, or the words of \
    Python's logging (`WARNING`, `CRITICAL`, `NOTSET`), in small or capital letters; with levels for parts \
    of the program `INFO,healer=DEBUG`";
pub(super) const SERVICE_NAME_ALLOWED: &str = "any name, such as the service's";
pub(super) const HOST_ALLOWED: &str =
    "the name or the address of a host alone, such as `collector.example` or `::1`";

/// The value of a setting that is a text.
pub(super) fn text(setting: &TextSetting, given: &str, source: Source) -> Given<String> {
    match (setting.read)(given) {
        Ok(value) => Given::new(value, source),
        Err(problem) => {
            let wrong = invalid(&setting.setting, given, &source);
            Given::wrong(wrong.problem(problem).allowed(setting.allowed))
        }
    }
}

/// One level, and levels for parts of the program, in the words of `tracing`: `INFO,healer=DEBUG`.
pub(super) fn level(text: &str) -> Result<String, &'static str> {
    let parts: Option<Vec<_>> = text.split(',').map(directive).collect();
    parts.map(|parts| parts.join(",")).ok_or("it is no level")
}

fn directive(text: &str) -> Option<String> {
    let Some((part, level)) = text.rsplit_once('=') else {
        return word(text).map(str::to_owned);
    };
    let part = part.trim();
    if part.is_empty() || part.contains(char::is_whitespace) {
        return None;
    }
    word(level).map(|word| format!("{part}={word}"))
}

fn word(level: &str) -> Option<&'static str> {
    match level.trim().to_ascii_uppercase().as_str() {
        "OFF" => Some("OFF"),
        "CRITICAL" | "FATAL" | "ERROR" => Some("ERROR"),
        "WARNING" | "WARN" => Some("WARN"),
        "INFO" => Some("INFO"),
        "DEBUG" => Some("DEBUG"),
        "TRACE" | "NOTSET" => Some("TRACE"),
        _ => None,
    }
}

pub(super) fn service_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() {
        Err("it is empty")
    } else if name.contains(char::is_control) {
        Err("it holds a control character")
    } else {
        Ok(name.to_owned())
    }
}

/// An IPv6 address gets its brackets, so that `host:port` can be read.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let host = text.trim();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        Err("it is empty")
    } else if bare.parse::<Ipv6Addr>().is_ok() {
        Ok(format!("[{bare}]"))
    } else if host.contains(['/', '@']) {
        Err("it is more than a host")
    } else if host.contains(':') {
        Err("the port is a setting of its own (`otlp_port`, JAEGER_PORT)")
    } else if host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '[' || c == ']') {
        Err("it holds a sign that no host's name has")
    } else {
        Ok(host.to_owned())
    }
}
