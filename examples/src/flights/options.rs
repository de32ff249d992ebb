//! The command line, and how it becomes healer's configuration.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;
use healer::{Config, ConfigError, Protocol, testing::EmbeddedKafka};

/// Reads flights from Kafka, joins them with their planes, saves them, and sends the late ones on.
///
/// Without brokers it starts a Kafka inside the process, fills it with 20,000 real flights and runs to their end.
/// The environment variables of healer (`HEALER_BROKERS`, `HEALER_GROUP`, …) count where no flag is given.
#[derive(Debug, Parser)]
#[command(name = "flights", version)]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of its own.
pub struct Options {
    /// The brokers, `host:port`, several with a comma between; none: a Kafka inside the process
    #[arg(long)]
    brokers: Option<String>,

    /// The topic to read
    #[arg(long, default_value = "flights")]
    pub topic: String,

    /// The topic that late flights are sent to
    #[arg(long, default_value = "late-flights")]
    pub late_topic: String,

    /// The consumer group [default: flights]
    #[arg(long)]
    group: Option<String>,

    /// The group protocol: `classic` or `consumer`
    #[arg(long)]
    protocol: Option<Protocol>,

    /// The database; made if missing [default: a new one among the temporary files]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// The folder of healer's local store [default: none, it is kept in memory]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,

    /// End when everything is done that is in the topic now, instead of waiting for more
    #[arg(long)]
    until_end: bool,

    /// Print one line of JSON instead of a summary
    #[arg(long)]
    pub json: bool,

    /// How many milliseconds it takes to look up a plane
    #[arg(long, value_name = "N", default_value_t = 0)]
    work_ms: u64,

    /// Look up to 64 planes up at once, from a registry that does not always answer
    #[arg(long)]
    pub parallel: bool,

    /// A property of the Kafka client; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    properties: Vec<(String, String)>,

    /// Create both topics and produce this file of flights before anything else; `.csv` or `.csv.zip`
    #[arg(long, value_name = "FILE")]
    pub load: Option<PathBuf>,

    /// How many partitions the topic to read gets when it is created
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub partitions: u16,

    /// Print every setting with where it comes from, and end
    #[arg(long)]
    pub print_config: bool,
}

impl Options {
    /// Whether the Kafka is to run inside the process.
    pub fn embedded(&self) -> bool {
        self.brokers.is_none() && env::var_os("HEALER_BROKERS").is_none()
    }

    /// Whether to end by itself. What is inside the process gets no more records.
    pub fn ends(&self) -> bool {
        self.until_end || self.embedded()
    }

    /// How long a look-up takes.
    pub fn work(&self) -> Duration {
        Duration::from_millis(self.work_ms)
    }

    /// Where the database lies.
    pub fn database(&self) -> PathBuf {
        let among_temporary =
            || env::temp_dir().join(format!("healer-flights-{}", std::process::id())).join("flights.db");
        self.db.as_deref().map_or_else(among_temporary, Path::to_owned)
    }

    /// healer's configuration: what is given later wins, so flags win over the environment.
    ///
    /// # Errors
    /// Every setting that is wrong, all at once.
    pub fn config(&self, embedded: Option<&EmbeddedKafka>) -> Result<Config, ConfigError> {
        let mut config = Config::builder();
        if let Some(kafka) = embedded {
            // With the classic protocol it keeps the first member of a group waiting for three seconds.
            config = config.brokers(kafka.brokers()).protocol(Protocol::Consumer);
        }
        config = config.from_env();
        if let Some(brokers) = &self.brokers {
            config = config.brokers(brokers);
        }
        if let Some(group) = &self.group {
            config = config.group(group);
        }
        if let Some(protocol) = self.protocol {
            config = config.protocol(protocol);
        }
        if let Some(folder) = &self.store {
            config = config.store_path(folder);
        }
        for (key, value) in &self.properties {
            config = config.set(key, value);
        }
        config.build()
    }
}

fn key_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("no `=` in it")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_property_is_cut_at_its_first_sign() {
        assert_eq!(key_and_value("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert!(key_and_value("a.b").is_err());
    }
}
