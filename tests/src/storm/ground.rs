//! Topics, a group, a folder and a database of one storm.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::kafka::RealKafka;
use crate::programs::{self, Program};

/// How long the group may commit nothing new before it counts as stuck. Much longer than a session, a rebalance with its
/// drain, and the wait for the database.
const PATIENCE: Duration = Duration::from_mins(2);

/// The ground that `flights` works on: the topics of one storm, its group, and the database that all its processes share.
#[derive(Debug)]
pub struct Ground<'k> {
    /// The broker.
    pub kafka: &'k RealKafka,
    /// The topic of flights.
    pub topic: String,
    /// The topic of late flights.
    pub late: String,
    /// The group.
    pub group: String,
    protocol: String,
    parallel: bool,
    folder: TempDir,
}

impl<'k> Ground<'k> {
    /// Makes both topics and builds the program.
    ///
    /// # Errors
    /// The broker does not answer, or the program does not compile.
    pub fn new(kafka: &'k RealKafka, protocol: &str, partitions: u16) -> Result<Self> {
        programs::flights()?;
        let [topic, late, group] = ["flights", "late-flights", "group"].map(|base| kafka.unique(base));
        kafka.create_topic(&topic, partitions, &[])?;
        kafka.create_topic(&late, 4, &[])?;
        let folder = tempfile::Builder::new().prefix("healer-storm-").tempdir()?;
        Ok(Self { kafka, topic, late, group, protocol: protocol.to_owned(), parallel: false, folder })
    }

    /// Processes look up to 64 planes up at once; a look-up takes long enough that many are at work, and some are tried again.
    #[must_use]
    pub fn parallel(self, parallel: bool) -> Self {
        Self { parallel, ..self }
    }

    /// Starts one process of the group, with a store of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, number: u64) -> Result<Program> {
        self.start_with(number, &[])
    }

    /// The same with more properties of the client, each `name=value`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_with(&self, number: u64, properties: &[&str]) -> Result<Program> {
        let folder = self.folder.path();
        let mut command = Command::new(programs::flights()?);
        command.args([
            "--brokers",
            &self.kafka.brokers(),
            "--topic",
            &self.topic,
            "--late-topic",
            &self.late,
        ]);
        command.args(["--group", &self.group, "--protocol", &self.protocol, "--json"]);
        if self.parallel {
            command.args(["--parallel", "--work-ms", "50"]);
        } else {
            command.args(["--work-ms", "1"]);
        }
        command.arg("--db").arg(self.database());
        command.arg("--store").arg(folder.join(format!("store-{number}")));
        if self.protocol == "classic" {
            command.args(["--set", "session.timeout.ms=3000", "--set", "heartbeat.interval.ms=500"]);
        }
        for property in properties {
            command.args(["--set", property]);
        }
        command.env("HEALER_COMMIT_INTERVAL", "500ms").env("RUST_LOG", "warn,healer=info");
        Program::start(&mut command, &folder.join(format!("process-{number}.log")))
    }

    /// The database that all processes share.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("flights.db")
    }

    /// Leaves the folder where it is, for a later look.
    pub fn keep(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    /// The committed offsets of the group; 0 where it has none.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn committed(&self) -> Result<BTreeMap<i32, i64>> {
        let ends = self.kafka.end_offsets(&self.topic)?;
        let mut committed: BTreeMap<_, _> = ends.into_keys().map(|partition| (partition, 0)).collect();
        committed.extend(self.kafka.committed(&self.group, &self.topic)?);
        Ok(committed)
    }

    /// Waits until all that is in the topic is committed; `check` is asked meanwhile.
    ///
    /// # Errors
    /// `check` says no, or nothing new is committed for two minutes; the text says how far each partition came.
    pub fn wait_until_done(&self, mut check: impl FnMut() -> Result<()>) -> Result<()> {
        let ends = self.kafka.end_offsets(&self.topic)?;
        let (mut best, mut since) = (-1, Instant::now());
        loop {
            let committed = self.committed()?;
            if committed == ends {
                return Ok(());
            }
            let lines = || {
                let line = |(partition, end): (&i32, &i64)| {
                    format!("  {partition}: {} of {end}", committed[partition])
                };
                ends.iter().map(line).collect::<Vec<_>>().join("\n")
            };
            check().with_context(|| format!("committed by then:\n{}", lines()))?;
            let sum = committed.values().sum::<i64>();
            if sum > best {
                (best, since) = (sum, Instant::now());
            } else if since.elapsed() > PATIENCE {
                bail!("nothing was committed for {PATIENCE:?}; by partition:\n{}", lines());
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}
