//! A real Apache Kafka for a test: one `KRaft` node on loopback that lives as long as its [`RealKafka`].
//!
//! The jars are fetched once by Maven into `target/kafka/libs`, those of another version, `HEALER_TEST_KAFKA_VERSION=3.9.1`, beside
//! them; a broker keeps its data in a folder of its own. All methods block, also inside an asynchronous test.

mod client;
mod config;
mod coordinator;
mod error;
mod java;
mod log;
mod offsets;
mod process;
mod produce;
mod quota;
mod read;
mod record;
mod room;
mod topics;
mod wire;

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

pub use config::{RealKafkaOptions, SASL_PASSWORD, SASL_USER};
pub use coordinator::{GroupLog, TakenCommit};
pub use error::StartError;
pub use record::{Record, Stored};

use crate::report_not_run;
use config::Ports;
use java::Java;
use process::Process;
use room::Room;

/// How long a broker may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How often other ports are tried when somebody took ours before the broker could.
const PORT_TRIES: u32 = 3;

/// A real Apache Kafka that runs until this is dropped, or until this process ends, however it ends.
#[derive(Debug)]
pub struct RealKafka {
    // Dropped first: the folder goes when the broker is gone.
    process: Mutex<Option<Process>>,
    room: Room,
    java: Java,
    ports: Ports,
    options: RealKafkaOptions,
}

impl RealKafka {
    /// Starts a broker and waits until it answers; about four seconds, and a few more the first time,
    /// when the jars are fetched.
    ///
    /// # Errors
    /// [`StartError::NotRun`] where this machine cannot run a broker, [`StartError::Failed`] where it
    /// could and the broker does not start.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(RealKafkaOptions::default())
    }

    /// Starts a broker with other options; see [`start`](Self::start).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(options: RealKafkaOptions) -> Result<Self, StartError> {
        let java = Java::find()?;
        let room = Room::open()?;
        let mut kafka = Self { process: Mutex::default(), room, java, ports: Ports::free()?, options };
        let mut tries = 1;
        loop {
            config::write(&kafka.room, kafka.ports, &kafka.options)?;
            kafka.java.format(kafka.room.libs(), &kafka.room.properties(), &config::cluster_id())?;
            match kafka.launch() {
                Ok(()) => return Ok(kafka),
                Err(_) if tries < PORT_TRIES && kafka.port_was_taken() => {
                    tries += 1;
                    kafka.ports = Ports::free()?;
                    kafka.room.empty()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The broker that all tests of this program share, started by the first one that asks.
    ///
    /// It suits every test that takes its topics and groups from [`unique`](Self::unique) and neither
    /// kills the broker nor needs options of its own.
    ///
    /// # Errors
    /// As [`start`](Self::start); all callers get the same answer.
    pub fn shared() -> Result<&'static Self, &'static StartError> {
        static SHARED: OnceLock<Result<RealKafka, StartError>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// The [`shared`](Self::shared) broker for a test; none, and a line that says why the test is not run,
    /// where this machine cannot run one.
    ///
    /// ```no_run
    /// # use healer_tests::kafka::RealKafka;
    /// # fn test() {
    /// let Some(kafka) = RealKafka::for_test() else { return };
    /// # let _ = kafka;
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the broker does not start, and with `HEALER_REQUIRE_KAFKA=1` also where this machine cannot run
    /// one.
    pub fn for_test() -> Option<&'static Self> {
        match Self::shared() {
            Ok(kafka) => Some(kafka),
            Err(error) => not_run(error),
        }
    }

    /// A broker of its own for a test, which it may kill; otherwise as [`for_test`](Self::for_test).
    ///
    /// # Panics
    /// As [`for_test`](Self::for_test).
    pub fn own_for_test(options: RealKafkaOptions) -> Option<Self> {
        match Self::start_with(options) {
            Ok(kafka) => Some(kafka),
            Err(error) => not_run(&error),
        }
    }

    /// The address for `bootstrap.servers`.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.ports.plain)
    }

    /// The address of the SASL listener, if the options ask for one. Clients need
    /// `security.protocol=sasl_plaintext`, `sasl.mechanism=PLAIN`, [`SASL_USER`] and [`SASL_PASSWORD`].
    pub fn sasl_brokers(&self) -> Option<String> {
        self.options.sasl.then(|| format!("127.0.0.1:{}", self.ports.sasl))
    }

    /// A name for a topic or a group that no other test has: `base` and a number.
    pub fn unique(&self, base: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        format!("{base}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The process number of the broker, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process().as_ref().and_then(|_| process::broker_pid(self.room.folder()))
    }

    /// The folder of the broker: its data, its properties and its log, until this is dropped.
    pub fn folder(&self) -> &Path {
        self.room.folder()
    }

    /// Kills the broker as `kill -9` does and waits until it is gone. Its data and its ports stay.
    pub fn kill(&self) {
        *self.process() = None;
    }

    /// Starts the broker again, on the same ports and with the same data; kills it first if it runs.
    ///
    /// # Errors
    /// The broker does not answer in time, or ends; the text holds the end of its log.
    pub fn restart(&self) -> Result<()> {
        self.launch()
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn launch(&self) -> Result<()> {
        let mut running = self.process();
        *running = None;
        let process = running.insert(Process::start(&self.java, &self.room, &self.options.heap)?);
        let limit = Instant::now() + START_LIMIT;
        let outcome = loop {
            if let Some(status) = process.ended()? {
                break Err(anyhow!("it ended ({status})"));
            }
            if client::is_ready(&format!("127.0.0.1:{}", self.ports.plain)) {
                return Ok(());
            }
            if Instant::now() > limit {
                break Err(anyhow!("no answer within {} s", START_LIMIT.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        *running = None;
        outcome.map_err(|error| anyhow!("{error}; the end of its log:\n{}", self.room.log_tail()))
    }

    fn port_was_taken(&self) -> bool {
        self.room.log_tail().contains("Address already in use")
    }
}

/// Reports a test that gets no broker.
fn not_run<T>(error: &StartError) -> Option<T> {
    let required = env::var_os("HEALER_REQUIRE_KAFKA").is_some_and(|value| value == "1");
    match error {
        StartError::NotRun(why) if !required => {
            report_not_run(why);
            None
        }
        StartError::NotRun(why) => panic!("HEALER_REQUIRE_KAFKA=1, but this test cannot run: {why}"),
        StartError::Failed(_) => panic!("{error}"),
    }
}
