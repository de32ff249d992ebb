//! Puts a [`Config`](super::Config) together. Every setter takes any value; `build` refuses all wrong ones at once.

use std::{collections::BTreeMap, ffi::OsString, fmt, iter};

use super::{
    Config, ConfigError, check, dead_letters,
    features::Features,
    kinds::{At, Kind, Read, Take},
    redact,
    settings::{TABLE, Values},
    source::{Source, Sourced},
    wrong::{WrongKind, WrongSetting},
};

/// The values of all settings, and the source of each.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) values: Values,
    /// By the setting's name; a default has none.
    sources: BTreeMap<&'static str, Source>,
}

impl Settings {
    pub(super) fn source(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }

    pub(super) fn put<T>(&mut self, name: &'static str, value: T, source: Source, place: Place<T>) {
        *place(&mut self.values) = value;
        self.sources.insert(name, source);
    }
}

/// Where a value is kept.
type Place<T> = fn(&mut Values) -> &mut T;

/// Variables that belong to settings, by name.
pub(super) type Found = BTreeMap<&'static str, OsString>;

/// One setting, for everything that goes over all of them.
pub(super) struct Row {
    /// As the setter and `--print-config` name it.
    pub(super) name: &'static str,
    /// How code reads it from a `Config`, for the table of the docs.
    #[cfg(test)]
    pub(super) getter: &'static str,
    /// Its documentation, for that table as well.
    #[cfg(test)]
    pub(super) about: &'static str,
    /// The environment variable.
    pub(super) env: &'static str,
    /// Other names of the variable: the original's.
    pub(super) also: &'static [&'static str],
    #[cfg(test)]
    pub(super) allowed: fn() -> String,
    /// Takes the variables that belong to this row.
    pub(super) read: fn(&mut ConfigBuilder, &'static Row, &Found),
    pub(super) show: fn(&Values) -> String,
}

impl Row {
    /// All names of its variable, the canonical one first.
    pub(super) fn variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        iter::once(self.env).chain(self.also.iter().copied())
    }
}

/// Collects settings for a [`Config`](super::Config).
///
/// Where a setting is given twice the **later call wins**, also between code and environment: a call before
/// [`from_env`](Self::from_env) is a default that the environment may replace, a call after it is fixed.
///
/// ```
/// use healer::{Config, Start};
///
/// let config = Config::builder()
///     .group("flights")              // HEALER_GROUP replaces it
///     .from_env()
///     .brokers("localhost:9092")     // and nothing replaces this
///     .start(Start::Latest)
///     .commit_interval("2s")
///     .set("fetch.min.bytes", "1000")
///     .build()?;
/// assert_eq!(config.brokers(), "localhost:9092");
/// # Ok::<(), healer::ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct ConfigBuilder {
    settings: Settings,
    /// By the setting's name. A later value of a setting removes its faults.
    wrong: BTreeMap<&'static str, Vec<WrongSetting>>,
    pub(super) dead_letter_topics: dead_letters::Topics<Read<Sourced<String>>>,
    pub(super) properties: BTreeMap<String, Read<Sourced<String>>>,
    pub(super) warnings: Vec<String>,
    /// Variables that may have been meant for settings.
    pub(super) hints: Vec<String>,
}

impl ConfigBuilder {
    /// A property of librdkafka by its name (`HEALER_KAFKA_<NAME>`, with `_` for `.`), such as
    /// `.set("security.protocol", "sasl_plaintext")`. Properties of producers or of consumers alone go to these only.
    ///
    /// `build` refuses the ones that healer sets itself, with the setting to use instead, and the ones that need a
    /// cargo feature that is not enabled. Whether a name exists is found out when the client is made.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(name.into(), Ok(Sourced { value: value.into(), source: Source::Builder }));
        self
    }

    /// The settings of logs so far.
    #[cfg(feature = "logs")]
    pub(crate) fn logs(&self) -> super::LogSettings {
        self.settings.values.logs.clone()
    }

    /// Takes the value that code gives for a setting.
    pub(super) fn put<A, K: Take<A>>(
        mut self,
        name: &'static str,
        kind: &K,
        given: A,
        place: Place<K::Value>,
    ) -> Self {
        let at = At::code(name);
        match kind.take(&at, given) {
            Ok(value) => self.right(name, value, at.source, place),
            Err(fault) => drop(self.wrong.insert(name, vec![*fault])),
        }
        self
    }

    /// Takes the variables of a setting, which must agree.
    pub(super) fn read<K: Kind>(
        &mut self,
        row: &'static Row,
        kind: &K,
        found: &Found,
        place: Place<K::Value>,
    ) {
        let mut first: Option<(K::Value, &str)> = None;
        let mut wrong = Vec::new();
        for variable in row.variables() {
            let Some(text) = found.get(variable) else { continue };
            let source = Source::Env(variable.to_owned());
            let at = At { source, original: variable != row.env, ..At::code(row.name) };
            match (kind.read_os(&at, text), &first) {
                (Err(fault), _) => wrong.push(*fault),
                (Ok(value), None) => first = Some((value, variable)),
                (Ok(value), Some((other, of))) if value != *other => wrong.push(
                    at.wrong(WrongKind::Conflict, &kind.show(&value))
                        .problem(format!(
                            "{of} is another name of {variable}, and is set to `{}`",
                            redact::shown(row.name, &kind.show(other))
                        ))
                        .allowed("one of the two variables, or the same value in both"),
                ),
                (Ok(_), Some(_)) => {}
            }
        }
        if !wrong.is_empty() {
            self.wrong.insert(row.name, wrong);
        } else if let Some((value, variable)) = first {
            self.right(row.name, value, Source::Env(variable.to_owned()), place);
        }
    }

    fn right<T>(&mut self, name: &'static str, value: T, source: Source, place: Place<T>) {
        self.settings.put(name, value, source, place);
        self.wrong.remove(name);
    }

    /// Checks everything that needs no broker.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with **every** wrong setting: its key, its value (secrets redacted) and the values that are allowed.
    pub fn build(self) -> Result<Config, ConfigError> {
        self.build_for(Features::BUILT)
    }

    pub(super) fn build_for(mut self, features: Features) -> Result<Config, ConfigError> {
        if self.settings.values.brokers.is_empty() {
            self.wrong.entry("brokers").or_insert_with(|| vec![check::brokers_missing()]);
        }
        let in_order = TABLE.iter().filter_map(|row| self.wrong.remove(row.name));
        let mut wrong: Vec<_> = in_order.flatten().collect();
        let mut right = |given: Read<Sourced<String>>| given.map_err(|fault| wrong.push(*fault)).ok();
        let topics = self.dead_letter_topics.into_iter();
        let dead_letter_topics = topics.filter_map(|(stage, topic)| Some((stage, right(topic)?))).collect();
        let properties = self.properties.into_iter();
        let mut properties: check::Properties =
            properties.filter_map(|(name, given)| Some((name, right(given)?))).collect();
        let protocol = self.settings.values.protocol;
        // A property that is wrong by itself is not looked at again.
        properties.retain(|name, given| {
            let fault = check::property(name, given, protocol, features);
            let is_right = fault.is_none();
            wrong.extend(fault);
            is_right
        });
        wrong.extend(check::together(&properties, protocol, features));
        let Values { poll_budget, drain_budget, .. } = self.settings.values;
        let budgets = [("poll_budget", poll_budget), ("drain_budget", drain_budget)];
        let budgets = budgets.map(|(name, budget)| (name, budget, self.settings.source(name)));
        wrong.extend(check::budgets(budgets, &properties));
        if !wrong.is_empty() {
            return Err(ConfigError::new(wrong, self.hints, self.settings.values.logs));
        }
        Ok(Config { settings: self.settings, dead_letter_topics, properties, warnings: self.warnings })
    }
}

/// Shows no values: they may be secrets, and may be wrong.
impl fmt::Debug for ConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.properties.keys().map(|name| redact::name(name)).collect();
        f.debug_struct("ConfigBuilder").field("properties", &names).finish_non_exhaustive()
    }
}
