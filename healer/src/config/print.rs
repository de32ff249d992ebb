//! The configuration as a human reads it: every setting with its value and where that came from, secrets redacted.

use std::fmt;

use super::{Config, names::Side, properties::Effective, redact, settings::TABLE, source::Source};

/// One line of the print.
struct Line {
    key: String,
    value: String,
    note: String,
}

impl Config {
    /// The whole configuration for a `--print-config` flag: a line `key = value  # source` for each setting, then
    /// for each client property. Passwords, keys and tokens are redacted.
    ///
    /// ```
    /// use healer::Config;
    ///
    /// let config = Config::builder().brokers("localhost:9092").set("sasl.password", "hunter2").build()?;
    /// let text = config.print().to_string();
    /// assert!(text.contains("brokers = localhost:9092  # builder"));
    /// assert!(text.contains("sasl.password = [redacted]  # builder"));
    /// # Ok::<(), healer::ConfigError>(())
    /// ```
    pub fn print(&self) -> impl fmt::Display + use<> {
        let mut lines = self.settings();
        lines.extend(self.properties_of_both());
        Printed(lines)
    }

    fn settings(&self) -> Vec<Line> {
        let Self { settings, .. } = self;
        let rows =
            TABLE.iter().map(|row| line(row.name, &(row.show)(&settings.values), settings.source(row.name)));
        let topics = self.dead_letter_topics.iter();
        rows.chain(topics.map(|(stage, topic)| {
            line(&format!("dead_letter_topic_of({stage})"), &topic.value, &topic.source)
        }))
        .collect()
    }

    fn properties_of_both(&self) -> Vec<Line> {
        let (consumer, producer) = (self.effective(Side::Consumer), self.effective(Side::Producer));
        let mut lines = Vec::new();
        let mut add = |these: &Effective<'_>, others: &Effective<'_>, only: &str, both: bool| {
            for (name, (value, source)) in these {
                // shown as settings above
                if matches!(*name, "bootstrap.servers" | "group.id" | "group.protocol") {
                    continue;
                }
                match others.contains_key(name) {
                    true if both => lines.push(line(name, value, source)),
                    true => {}
                    false => {
                        let mut line = line(name, value, source);
                        line.note.push_str(only);
                        lines.push(line);
                    }
                }
            }
        };
        add(&consumer, &producer, ", consumer only", true);
        add(&producer, &consumer, ", producer only", false);
        lines.sort_by(|a, b| a.key.cmp(&b.key));
        lines
    }
}

fn line(key: &str, value: &dyn fmt::Display, source: &Source) -> Line {
    Line { key: key.to_owned(), value: redact::shown(key, &value.to_string()), note: source.to_string() }
}

struct Printed(Vec<Line>);

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Line { key, value, note }) in self.0.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}{key} = {value}  # {note}")?;
        }
        Ok(())
    }
}

/// The same as [`Config::print`]: secrets are redacted.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.settings().into_iter().chain(self.properties_of_both());
        f.write_str("Config ")?;
        f.debug_map()
            .entries(lines.map(|line| (line.key, format!("{}  # {}", line.value, line.note))))
            .finish()
    }
}
