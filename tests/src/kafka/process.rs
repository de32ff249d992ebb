//! The broker's process, which never outlives its owner.
//!
//! A shell starts the broker and listens on a pipe whose other end only the owner holds. The pipe ends
//! when the owner lets go of it or dies, even by `kill -9`; then the shell kills the broker. A process
//! group of its own keeps a ctrl-c in the terminal from ending the shell before that.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::java::Java;
use super::room::Room;

/// `$1` is the folder of the run, the rest is the broker's command.
///
/// The word `keep` is an orderly end: the owner sees to the folder. Without it the owner is dead, and the
/// folder goes too. A broker that ended by itself leaves the mark `ended`, since its number may belong to
/// another program by then.
const WATCHDOG: &str = r#"
run=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
broker=$!
echo "$broker" >"$run/broker.pid"
(
    word=; read -r word <&3
    [ -e "$run/ended" ] || kill -9 "$broker" 2>/dev/null
    [ "$word" = keep ] && exit
    while kill -0 "$broker" 2>/dev/null; do sleep 1; done
    rm -rf -- "$run"
) &
exec 3<&-
wait "$broker"
status=$?
: >"$run/ended"
exit "$status"
"#;

/// A broker that was started; dropping it kills the broker and waits for its end.
#[derive(Debug)]
pub(super) struct Process {
    shell: Child,
}

impl Process {
    /// Starts the broker of a room. It does not listen yet.
    pub(super) fn start(java: &Java, room: &Room, heap: &str) -> Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(room.log())?;
        for of_an_earlier_broker in ["broker.pid", "ended"] {
            let _ = fs::remove_file(room.folder().join(of_an_earlier_broker));
        }
        let shell = Command::new("sh")
            .args(["-c", WATCHDOG, "kafka-watchdog"])
            .arg(room.folder())
            .arg(java.path())
            .args([&format!("-Xmx{heap}"), "-Dlog4j2.level=INFO", "-cp"])
            .arg(room.libs().join("*"))
            .arg("kafka.Kafka")
            .arg(room.properties())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("the shell that guards the broker cannot be started")?;
        Ok(Self { shell })
    }

    /// How the broker ended, if it did.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.shell.try_wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A shell that is gone has no broker left to kill.
        if let Some(mut pipe) = self.shell.stdin.take() {
            let _ = pipe.write_all(b"keep\n");
        }
        let _ = self.shell.wait();
    }
}

/// The process number of the broker that was started in this folder.
pub(super) fn broker_pid(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join("broker.pid")).ok()?.trim().parse().ok()
}

/// Kills the broker of a dead run if its watchdog died too, and waits until it is gone.
///
/// The number may belong to another program by now: only one whose command names the folder is killed.
/// Where the system has no `/proc`, such a broker is left to end by itself, as its data folder is gone.
pub(super) fn kill_leftover(folder: &Path) {
    let Some(pid) = broker_pid(folder) else { return };
    let is_ours = || {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&*folder.to_string_lossy())
    };
    for _ in 0..100 {
        if !is_ours() {
            return;
        }
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        std::thread::sleep(Duration::from_millis(50));
    }
}
