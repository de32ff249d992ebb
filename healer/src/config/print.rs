//! The configuration as a human reads it: every setting with its value and where that came from, secrets redacted.

use std::fmt;

use super::{
    Config,
    names::Side,
    properties::Effective,
    redact,
    settings::{
        BROKERS, COMMIT_INTERVAL, CONNECT_TIMEOUT, DEAD_LETTER_TOPIC, DRAIN_BUDGET, GROUP, HELD_BACK_AFTER,
        IN_FLIGHT, MEMORY_BUDGET, MEMORY_MAX_AGE, MEMORY_MAX_LEN, METADATA_MAX_BYTES, OUT_OF_RANGE,
        POLL_BUDGET, PROTOCOL, STALL_AFTER, START, START_BUDGET, STORE, THREADS, UNREACHABLE_AFTER,
    },
    source::{Source, Sourced},
};

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
        let show = humantime::format_duration;
        let duration = |name, it: &Sourced<std::time::Duration>| line(name, &show(it.value), &it.source);
        let number = |name, it: &Sourced<usize>| line(name, &it.value, &it.source);
        let group = match &self.group {
            Some(group) => line(GROUP.name, &group.value, &group.source),
            None => line(GROUP.name, &"(the pipeline's name)", &Source::Default),
        };
        let store = match &self.store_path.value {
            Some(folder) => line(STORE.name, &folder.display(), &self.store_path.source),
            None => line(STORE.name, &"(in memory)", &self.store_path.source),
        };
        let held_back = match &self.held_back_after {
            Some(after) => duration(HELD_BACK_AFTER.setting.name, after),
            None => line(HELD_BACK_AFTER.setting.name, &"(never)", &Source::Default),
        };
        let mut lines = vec![
            line(BROKERS.name, &self.brokers.value, &self.brokers.source),
            group,
            line(PROTOCOL.name, &self.protocol.value, &self.protocol.source),
            line(START.name, &self.start.value, &self.start.source),
            line(OUT_OF_RANGE.name, &self.out_of_range.value, &self.out_of_range.source),
            duration(COMMIT_INTERVAL.setting.name, &self.commit_interval),
            number(IN_FLIGHT.setting.name, &self.in_flight),
            number(THREADS.setting.name, &self.threads),
            line(MEMORY_BUDGET.setting.name, &self.memory_budget.value, &self.memory_budget.source),
            number(METADATA_MAX_BYTES.setting.name, &self.metadata_max_bytes),
            duration(STALL_AFTER.setting.name, &self.stall_after),
            duration(UNREACHABLE_AFTER.setting.name, &self.unreachable_after),
            held_back,
            store,
            number(MEMORY_MAX_LEN.setting.name, &self.memory_max_len),
            duration(MEMORY_MAX_AGE.setting.name, &self.memory_max_age),
            duration(POLL_BUDGET.setting.name, &self.poll_budget),
            duration(DRAIN_BUDGET.setting.name, &self.drain_budget),
            duration(CONNECT_TIMEOUT.setting.name, &self.connect_timeout),
            duration(START_BUDGET.setting.name, &self.start_budget),
        ];
        if self.dead_letter_topic().is_none() {
            lines.push(line(DEAD_LETTER_TOPIC.name, &"(none)", &Source::Default));
        }
        lines.extend(self.dead_letter_topics.iter().map(|(stage, topic)| {
            let of = if stage.is_empty() { String::new() } else { format!("_of({stage})") };
            line(&format!("{}{of}", DEAD_LETTER_TOPIC.name), &topic.value, &topic.source)
        }));
        let operating = self.operating.shown().into_iter();
        lines.extend(operating.map(|(name, value, source)| line(name, &value, source)));
        lines
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
