//! Settings that are a text, but not any: a wrong address, log level, service's name or host is refused before anything starts.

use std::net::Ipv6Addr;

use crate::broker::is_topic;

/// A sort of text.
pub(super) struct Text {
    /// The texts that are accepted, in words.
    pub(super) allowed: &'static str,
    /// The text as it is kept, or its fault.
    pub(super) read: fn(&str) -> Result<String, &'static str>,
}

pub(super) const BROKERS: Text = Text {
    allowed: "host:port, several with a comma between, without user or password (these are the properties \
        `sasl.username` and `sasl.password`)",
    read: brokers,
};
pub(super) const GROUP: Text =
    Text { allowed: "any name, such as the service's, or nothing for the pipeline's name", read: group };
pub(super) const TOPIC: Text = Text {
    allowed: "a topic's name: 1 to 249 letters, digits, `.`, `_` and `-`, such as `orders.dead`",
    read: topic,
};
pub(super) const LEVEL: Text = Text {
    allowed: "`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`, or the words of Python's logging (`WARNING`, \
        `CRITICAL`, `NOTSET`), in small or capital letters; with levels for parts of the program `INFO,healer=DEBUG`",
    read: level,
};
pub(super) const SERVICE_NAME: Text = Text { allowed: "any name, such as the service's", read: service_name };
pub(super) const HOST: Text = Text {
    allowed: "the name or the address of a host alone, such as `collector.example` or `::1`",
    read: host,
};

fn brokers(brokers: &str) -> Result<String, &'static str> {
    let problem = if brokers.contains('@') {
        Some("an address must not carry a user or a password")
    } else if brokers.contains('\0') {
        Some("it holds a zero byte")
    } else {
        brokers.split(',').find_map(|address| wrong_address(address.trim()))
    };
    problem.map_or_else(|| Ok(brokers.to_owned()), Err)
}

/// The fault of one address; forgiving where librdkafka is (a scheme, no port, IPv6).
fn wrong_address(address: &str) -> Option<&'static str> {
    let address = address.split_once("://").map_or(address, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        // an IPv6 address without a port
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => (address, None),
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    };
    if host.is_empty() {
        Some("an address without a host")
    } else if host.contains(|c: char| c.is_whitespace() || c == '/') {
        Some("a host with a blank or a slash in it")
    } else if port.is_some_and(|port| port.parse::<u16>().unwrap_or(0) == 0) {
        Some("a port that is no number from 1 to 65535")
    } else {
        None
    }
}

fn group(group: &str) -> Result<String, &'static str> {
    if group.trim().is_empty() {
        Err("it is empty")
    } else if group.contains('\0') {
        Err("it holds a zero byte")
    } else {
        Ok(group.to_owned())
    }
}

fn topic(topic: &str) -> Result<String, &'static str> {
    if is_topic(topic) { Ok(topic.to_owned()) } else { Err("it is no topic name") }
}

/// One level, and levels for parts of the program, in the words of `tracing`: `INFO,healer=DEBUG`.
fn level(text: &str) -> Result<String, &'static str> {
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

fn service_name(text: &str) -> Result<String, &'static str> {
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
fn host(text: &str) -> Result<String, &'static str> {
    let host = text.trim();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        Err("it is empty")
    } else if bare.parse::<Ipv6Addr>().is_ok() {
        Ok(format!("[{bare}]"))
    } else if host.contains(['/', '@']) {
        Err("it is more than a host")
    } else if host.contains(':') {
        Err("the port is a setting of its own (`otlp_port`, HEALER_OTLP_PORT)")
    } else if host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '[' || c == ']') {
        Err("it holds a sign that no host's name has")
    } else {
        Ok(host.to_owned())
    }
}
