//! The command line, and how it becomes healer's configuration.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;
use healer::{Config, ConfigBuilder, ConfigError, Protocol, testing::EmbeddedKafka};

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

    /// Serve metrics and health on this port of 127.0.0.1, or on this address, `0.0.0.0:8000`; port 0: any that is free
    #[arg(long, value_name = "PORT")]
    metrics_port: Option<String>,

    /// Write a report of each failure into this folder
    #[arg(long, value_name = "DIR")]
    pub report_dir: Option<PathBuf>,

    /// End the process when the pipeline failed, or has got nowhere for too long
    #[arg(long)]
    pub guard: bool,

    /// How long nothing may be committed that could be, such as `10m`; 0: for ever [default: 1h]
    #[arg(long, value_name = "TIME", requires = "guard")]
    graceful_offset: Option<String>,

    /// How long the pipeline may go without polling; 0: for ever [default: 30m]
    #[arg(long, value_name = "TIME", requires = "guard")]
    graceful_polling: Option<String>,

    /// How long the process lives; 0: for ever [default: 3h]
    #[arg(long, value_name = "TIME", requires = "guard")]
    expires_after: Option<String>,

    /// After how many commits the process ends; 0: never [default: 0]
    #[arg(long, value_name = "N", requires = "guard")]
    max_commits: Option<u64>,

    /// Log in JSON, an object a line
    #[arg(long)]
    log_json: bool,

    /// Print every setting with where it comes from, and end
    #[arg(long)]
    pub print_config: bool,
}

impl Options {
    /// Whether the Kafka is to run inside the process.
    pub fn embedded(&self) -> bool {
        self.brokers.is_none() && env::var_os("HEALER_BROKERS").is_none()
    }

    /// Whether to end by itself. A broker inside the process gets no more records.
    pub fn ends(&self) -> bool {
        self.until_end || self.embedded()
    }

    /// How long a look-up takes.
    pub fn work(&self) -> Duration {
        Duration::from_millis(self.work_ms)
    }

    /// Where metrics and health are to be served, if at all.
    pub fn metrics_address(&self) -> Option<String> {
        let port = self.metrics_port.as_ref()?;
        Some(if port.contains(':') { port.clone() } else { format!("127.0.0.1:{port}") })
    }

    /// Where the database lies.
    pub fn database(&self) -> PathBuf {
        let among_temporary =
            || env::temp_dir().join(format!("healer-flights-{}", std::process::id())).join("flights.db");
        self.db.as_deref().map_or_else(among_temporary, Path::to_owned)
    }

    /// healer's configuration: a later setting wins, so flags win over the environment.
    ///
    /// # Errors
    /// Every setting that is wrong, all at once.
    pub fn config(&self, embedded: Option<&EmbeddedKafka>) -> Result<Config, ConfigError> {
        let mut config = Config::builder();
        if let Some(kafka) = embedded {
            // With the classic protocol it keeps the first member of a group waiting for three seconds.
            config = config.brokers(kafka.brokers()).protocol(Protocol::Consumer);
        }
        // A terminal shows only warnings by default; the environment can ask for more.
        config = config.log_level("WARNING").from_env();
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
        self.operating(config).build()
    }

    fn operating(&self, mut config: ConfigBuilder) -> ConfigBuilder {
        if let Some(time) = &self.graceful_offset {
            config = config.graceful_offset(time);
        }
        if let Some(time) = &self.graceful_polling {
            config = config.graceful_polling(time);
        }
        if let Some(time) = &self.expires_after {
            config = config.expires_after(time);
        }
        if let Some(commits) = self.max_commits {
            config = config.max_commits(commits);
        }
        if self.log_json {
            config = config.log_json(true);
        }
        config
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
    fn the_flags_of_the_guard_are_settings_and_need_the_guard() {
        let line = "flights --brokers a:1 --guard --graceful-offset 10m --graceful-polling 0 \
            --expires-after 2h --max-commits 3 --log-json";
        let options = Options::try_parse_from(line.split(' ')).unwrap();
        assert!(options.guard);
        let print = options.config(None).unwrap().print().to_string();
        for line in [
            "graceful_offset = 10m  # builder",
            "graceful_polling = 0s  # builder",
            "expires_after = 2h  # builder",
            "max_commits = 3  # builder",
            "log_json = true  # builder",
        ] {
            assert!(print.lines().any(|found| found == line), "{line}\nin\n{print}");
        }
        assert!(Options::try_parse_from(["flights", "--max-commits", "3"]).is_err());
    }

    #[test]
    fn a_property_is_cut_at_its_first_sign() {
        assert_eq!(key_and_value("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert!(key_and_value("a.b").is_err());
    }
}
