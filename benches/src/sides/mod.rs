//! The sides that read the same topic, each in a process of its own: this program, `benches/peers`, or `benches/java`.

mod external;
mod healer;
mod limit;
mod raw;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::mpsc::{self, Sender},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use external::Programs;

use crate::{
    figures::float,
    tally::Tally,
    task::{Outcome, READY, Side, Task},
};

/// The outcome of a side, and the figures that only its parent sees.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// From the start of the process to its first record.
    pub(crate) to_first_record: f64,
    /// A remark on a run that was not as asked.
    pub(crate) note: Option<String>,
    /// From SIGTERM to the end of the process, where it ended so.
    pub(crate) to_exit: Option<f64>,
}

/// The action when a side says that it is ready.
pub(crate) enum WhenReady {
    /// It does not say so.
    Never,
    /// Tell this.
    Tell(Sender<()>),
    /// Send SIGTERM this long afterwards.
    Terminate(Duration),
}

/// Does a task in a process of its own, which is killed when it takes longer than this.
pub(crate) fn start(
    program: &mut Command,
    task: &Task,
    patience: Duration,
    when_ready: WhenReady,
) -> Result<Ran> {
    let name = task.side.name();
    let began = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut child = program
        .arg(serde_json::to_string(task)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("the side {name} cannot be started"))?;
    let stdout = child.stdout.take().context("the output of a side was asked for")?;
    let (said, to_hear) = mpsc::channel();
    let pid = child.id();
    thread::spawn(move || said.send(listen(BufReader::new(stdout), pid, &when_ready)));
    let Ok(said) = to_hear.recv_timeout(patience) else {
        child.kill()?;
        child.wait()?;
        bail!("the side {name} was not done after {} s", patience.as_secs());
    };
    let status = child.wait()?;
    let ended = Instant::now();
    // Libraries of the sides may print any lines before.
    let (said, told_to_end) = said?;
    let last = said.lines().next_back().unwrap_or("it told no reason");
    if !status.success() {
        bail!("the side {name} failed ({status}): {last}");
    }
    let outcome: Outcome = serde_json::from_str(last)
        .ok()
        .with_context(|| format!("the side {name} told no outcome:\n{said}"))?;
    let began = u64::try_from(began.as_millis())?;
    let to_first_record = float(outcome.first_unix_ms.saturating_sub(began)) / 1e3;
    let to_exit = told_to_end.map(|told| (ended - told).as_secs_f64());
    Ok(Ran { outcome, to_first_record, note: None, to_exit })
}

/// Reads a side's output until the side closes it, and acts when the side is ready. Returns the time at which the side was
/// told to end.
fn listen(
    output: impl BufRead,
    pid: u32,
    when_ready: &WhenReady,
) -> std::io::Result<(String, Option<Instant>)> {
    let (mut text, mut told_to_end) = (String::new(), None);
    for line in output.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        match when_ready {
            WhenReady::Tell(ready) if line == READY => drop(ready.send(())),
            WhenReady::Terminate(after) if line == READY => {
                thread::sleep(*after);
                told_to_end = Some(Instant::now());
                Command::new("kill").arg("-TERM").arg(pid.to_string()).status()?;
            }
            _ => {}
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok((text, told_to_end))
}

/// Does a task in this process and tells the outcome on standard output.
pub(crate) fn run(task: &Task) -> Result<()> {
    let tally = Tally::new(task);
    let tally = match task.side {
        Side::Raw => raw::run(task, tally)?,
        Side::Limit => limit::run(task, tally)?,
        Side::Healer
        | Side::HealerThreads
        | Side::HealerCalm
        | Side::HealerSingly
        | Side::HealerMetrics
        | Side::HealerLogs => healer::run(task, tally)?,
        other => bail!("{} is a program of its own", other.name()),
    };
    println!("{}", serde_json::to_string(&tally.outcome()?)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::{WhenReady, start};
    use crate::task::{Properties, Side, Task, Until, Work};

    /// The error of a side that is this script.
    fn error_of(script: &str, patience: Duration) -> String {
        let task = Task {
            side: Side::Arroyo,
            work: Work::Decode,
            tuned: true,
            properties: Properties::new(),
            brokers: String::new(),
            topic: String::new(),
            group: String::new(),
            partitions: 1,
            records: 1,
            until: Until::End,
            marks: Vec::new(),
        };
        let ran = start(Command::new("sh").arg("-c").arg(script), &task, patience, WhenReady::Never);
        ran.expect_err("the script tells no outcome").to_string()
    }

    #[test]
    fn a_side_that_fails_says_why_in_its_last_line() {
        let error = error_of("echo loud; echo no broker; exit 3", Duration::from_mins(1));
        assert_eq!(error, "the side arroyo failed (exit status: 3): no broker");
    }

    #[test]
    fn a_side_that_hangs_is_ended() {
        let error = error_of("exec sleep 600", Duration::from_millis(1));
        assert_eq!(error, "the side arroyo was not done after 0 s");
    }
}
