//! Settings from environment variables. Reads pairs of name and value, not the process, so that tests never touch
//! the environment that all threads share.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    sync::{Mutex, PoisonError},
};

use super::{
    ConfigBuilder,
    builder::{Found, Row},
    kinds::{Read, not_utf8},
    nearest::nearest,
    redact,
    settings::{TABLE, Values},
    source::{Source, Sourced},
};

/// The variable of a client property begins with this.
const PROPERTY_PREFIX: &str = "HEALER_KAFKA_";

/// The names of healer's own variables begin so: another name with it is a mistake. A name that begins with `ENABLE_` or
/// `JAEGER_` may be for somebody else.
const OWN_PREFIXES: [&str; 2] = ["HEALER_", "HEALING_"];

/// Variables that begin with `HEALER_` and are no settings: healer's own tests read them.
const NOT_SETTINGS: [&str; 1] = ["HEALER_REQUIRE_KAFKA"];

/// The property names of librdkafka that hold a `_`, as [`property_name`] would spell them, and as they are.
const WITH_UNDERSCORE: [(&str, &str); 1] = [("log.level", "log_level")];

const JAEGER_PORT: &str = "JAEGER_PORT";
/// The port of Jaeger's agent, which took its own protocol over UDP; no OTLP is taken there.
const JAEGER_UDP: &str = "6831";

/// The variables of all settings.
fn variables() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(Row::variables)
}

fn is_ours(name: &&str) -> bool {
    OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

impl ConfigBuilder {
    /// [`from_env`](Self::from_env) with these pairs of name and value in place of the process's environment.
    ///
    /// ```
    /// use healer::Config;
    ///
    /// let vars = [("HEALER_BROKERS", "localhost:9092"), ("HEALER_KAFKA_CLIENT_ID", "flights-1")];
    /// let config = Config::builder().from_vars(vars).build()?;
    /// assert_eq!(config.consumer_properties()["client.id"], "flights-1");
    /// # Ok::<(), healer::ConfigError>(())
    /// ```
    #[allow(clippy::wrong_self_convention)] // as above
    pub fn from_vars<K, V>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut found = Found::new();
        for (name, value) in vars {
            // no variable of ours has a name that is not UTF-8
            if let Ok(name) = name.into().into_string() {
                self.variable(&name, value.into(), &mut found);
            }
        }
        for row in TABLE {
            (row.read)(&mut self, row, &found);
        }
        self
    }

    fn variable(&mut self, name: &str, value: OsString, found: &mut Found) {
        if let Some(rest) = name.strip_prefix(PROPERTY_PREFIX) {
            let property = property_name(rest);
            let given = property_of(&property, value, Source::Env(redact::name(name).to_owned()));
            self.properties.insert(property, given);
        } else if let Some(ours) = variables().find(|ours| *ours == name) {
            let value = if ours == JAEGER_PORT { self.port_for_otlp(value) } else { value };
            found.insert(ours, value);
        } else if !self.dead_letter_variable(name, &value) {
            self.unknown(name);
        }
    }

    /// The variable meant another protocol's port.
    fn port_for_otlp(&mut self, value: OsString) -> OsString {
        if value.to_str().map(str::trim) != Some(JAEGER_UDP) {
            return value;
        }
        let instead = Values::default().traces.port.to_string();
        let warning = format!(
            "the environment variable {JAEGER_PORT} is {JAEGER_UDP}, where Jaeger took its own protocol; traces \
             are sent as OTLP, so it is taken as {instead}"
        );
        self.warn(JAEGER_PORT, warning);
        instead.into()
    }

    /// Never shows the value: it may be a secret.
    fn unknown(&mut self, name: &str) {
        let name = redact::name(name);
        if NOT_SETTINGS.contains(&name) {
            return;
        }
        let ours = is_ours(&name);
        // Names are in capitals, and the slip may be at the beginning.
        let known = nearest(&name.to_ascii_uppercase(), variables().filter(is_ours));
        let mut text = format!("the environment variable {name} is no setting of healer");
        if let Some(known) = known {
            text.push_str("; did you mean ");
            text.push_str(known);
            text.push('?');
        }
        if ours {
            self.warn(name, text.clone());
        }
        if (ours || known.is_some()) && !self.hints.contains(&text) {
            self.hints.push(text);
        }
    }

    /// Logged once in a process, kept once in a configuration.
    fn warn(&mut self, variable: &str, warning: String) {
        if first_time(variable) {
            tracing::warn!(variable, "{warning}");
        }
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Whether this process sees the name for the first time.
pub(super) fn first_time(name: &str) -> bool {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // a set of names is whole even after a panic elsewhere
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
}

/// `SECURITY_PROTOCOL` is `security.protocol`.
fn property_name(variable: &str) -> String {
    let name = variable.to_ascii_lowercase().replace('_', ".");
    WITH_UNDERSCORE.iter().find(|(dots, _)| *dots == name).map_or(name, |(_, real)| (*real).to_owned())
}

fn property_of(property: &str, value: OsString, source: Source) -> Read<Sourced<String>> {
    match value.into_string() {
        Ok(value) => Ok(Sourced { value, source }),
        Err(value) => Err(Box::new(not_utf8(property, &value, &source))),
    }
}
