//! Programs as processes: built once, started, signalled, watched, waited for.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// The program `flights`, built by the first call: in release mode if it was before or the caller is, else in debug.
///
/// # Errors
/// It does not compile.
pub fn flights() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    // target/<profile>/<this>, or one folder deeper
    let mut folders = this.ancestors().skip(1);
    let profile = folders.find(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    let release =
        profile.and_then(Path::parent).is_some_and(|target| target.join("release/flights").is_file());
    cargo("flights", &["--bin", "flights"], release || !cfg!(debug_assertions))
}

/// An example of this crate, built in release mode.
///
/// # Errors
/// It does not compile.
pub fn example(name: &str) -> Result<PathBuf> {
    cargo(name, &["--package", env!("CARGO_PKG_NAME"), "--example", name], true)
}

/// Builds a program, and says where it is.
fn cargo(name: &str, which: &[&str], release: bool) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).arg("build").args(which);
    cargo.arg("--message-format=json-render-diagnostics");
    if release {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the program {name} does not compile");
    let said = String::from_utf8(output.stdout)?;
    let executable = said.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let built = message["target"]["name"] == name;
        built.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    executable.context("cargo does not name what it built")
}

/// A running program whose output goes to a file; killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; its output is added to the file.
    ///
    /// # Errors
    /// It cannot be started, or the file cannot be written.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        let child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, named as for `kill`: `TERM`, `KILL`, `STOP`, `CONT`.
    ///
    /// # Errors
    /// There is no such process any more.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.pid().to_string()]).status()?;
        ensure!(status.success(), "SIG{signal} cannot be sent to {}", self.pid());
        Ok(())
    }

    /// That it still runs.
    ///
    /// # Errors
    /// It has ended; the text holds the end of its output.
    pub fn must_run(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("a process ended by itself ({status}):\n{}", self.last_words()),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It runs on; the text holds the end of its output.
    pub fn end_within(&mut self, limit: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < end, "it runs on after {limit:?}:\n{}", self.last_words());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The end of its output.
    pub fn last_words(&self) -> String {
        const LINES: usize = 20;
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    /// Its memory (RSS) in KiB. Only where the system has `/proc`.
    ///
    /// # Errors
    /// It has ended, or there is no `/proc`.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// The time that it has spent on processors, its own and the system's for it. Only where the system has `/proc`.
    ///
    /// # Errors
    /// It has ended, or there is no `/proc`.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // After the name, which may hold anything, up to its parenthesis: the state is the third column.
        let (_, columns) = stat.rsplit_once(')').context("no name in stat")?;
        let mut columns = columns.split_whitespace().skip(11);
        let mut ticks =
            || columns.next().context("stat is too short")?.parse::<u64>().map_err(anyhow::Error::from);
        // Linux tells it in hundredths of a second, also if the kernel's own tick is another.
        Ok(Duration::from_millis(10 * (ticks()? + ticks()?)))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
