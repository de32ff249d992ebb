//! The folders under `target/kafka`: the jars that all share, and one folder for each running broker.
//!
//! Several test programs start at once, so a process that changes shared files holds `target/kafka/lock`. A
//! run's folder belongs to the process that holds its `owner.lock`; the system lets go of both when a
//! process dies, however it dies.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

use super::StartError;
use super::java::all_output;
use super::process;
use crate::workspace;

/// Asks for another version of Kafka than that of `tests/kafka/pom.xml`.
const VERSION: &str = "HEALER_TEST_KAFKA_VERSION";

/// Numbers the brokers of this process.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The folder of one broker; it goes when this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    libs: PathBuf,
    /// Held as long as the broker may run.
    _owner: File,
}

impl Room {
    /// Clears the folders of dead runs, sees to the jars, and makes a new folder.
    pub(super) fn open() -> Result<Self, StartError> {
        let kafka = workspace().join("target/kafka");
        fs::create_dir_all(&kafka).with_context(|| format!("{} cannot be made", kafka.display()))?;
        let shared = File::create(kafka.join("lock"))?;
        shared.lock()?;
        clear_dead_runs(&kafka)?;
        let version = env::var(VERSION).ok();
        let libs =
            kafka.join(version.as_ref().map_or("libs".to_owned(), |version| format!("libs-{version}")));
        fetch_jars(&libs, version.as_deref())?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = kafka.join(format!("run-{}-{number}", std::process::id()));
        fs::create_dir(&folder)?;
        let owner = File::create(folder.join("owner.lock"))?;
        owner.lock()?;
        Ok(Self { folder, libs, _owner: owner })
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the jars are.
    pub(super) fn libs(&self) -> &Path {
        &self.libs
    }

    /// Where the broker keeps its data.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The broker's properties.
    pub(super) fn properties(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    /// The broker's log.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("broker.log")
    }

    /// Forgets all of a broker that never ran.
    pub(super) fn empty(&self) -> Result<(), StartError> {
        fs::remove_dir_all(self.data())?;
        fs::remove_file(self.log())?;
        Ok(())
    }

    /// The end of the broker's log.
    pub(super) fn log_tail(&self) -> String {
        const LINES: usize = 30;
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The next start clears a folder that stays behind.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn clear_dead_runs(kafka: &Path) -> Result<(), StartError> {
    for entry in fs::read_dir(kafka)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("run-") {
            continue;
        }
        let folder = entry.path();
        // A run without the file died before its broker started: nobody makes one while we hold the lock.
        let owner = File::open(folder.join("owner.lock"));
        if owner.is_ok_and(|owner| matches!(owner.try_lock(), Err(TryLockError::WouldBlock))) {
            continue;
        }
        process::kill_leftover(&folder);
        // The watchdog of the dead run may be at the same work.
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != ErrorKind::NotFound
        {
            eprintln!("{} stays behind: {error}", folder.display());
        }
    }
    Ok(())
}

/// Fetches the jars, unless they are there for this very `pom.xml`.
fn fetch_jars(libs: &Path, version: Option<&str>) -> Result<(), StartError> {
    let pom = workspace().join("tests/kafka/pom.xml");
    let wanted = fs::read(&pom).with_context(|| format!("{} cannot be read", pom.display()))?;
    // Written last, so that a fetch that was cut short is done again.
    let complete = libs.join("pom.xml");
    if fs::read(&complete).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    if libs.exists() {
        fs::remove_dir_all(libs)?;
    }
    let output = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-f"])
        .arg(&pom)
        .arg(format!("-DoutputDirectory={}", libs.display()))
        .args(version.map(|version| format!("-Dkafka.version={version}")))
        .output()
        .map_err(|error| StartError::NotRun(format!("Maven is missing (mvn: {error})")))?;
    if !output.status.success() {
        return Err(StartError::NotRun(format!(
            "Maven could not fetch the jars of Kafka ({}):\n{}",
            output.status,
            all_output(&output)
        )));
    }
    fs::write(&complete, wanted)?;
    Ok(())
}
