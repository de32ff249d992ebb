//! The sides that read the same topic, each in a process of its own: this program, `benches/peers`, or `benches/java`.

mod external;
mod healer;
mod limit;
mod raw;

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use external::Programs;

use crate::{
    figures::float,
    tally::Tally,
    task::{Outcome, Side, Task},
};

/// What a side came to, and what only its parent sees.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// From the start of the process to its first record.
    pub(crate) to_first_record: f64,
    /// What a peer did otherwise than asked.
    pub(crate) note: Option<String>,
}

/// Does a task in a process of its own, which is killed when it takes longer than this.
pub(crate) fn start(program: &mut Command, task: &Task, patience: Duration) -> Result<Ran> {
    let name = task.side.name();
    let began = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut child = program
        .arg(serde_json::to_string(task)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("the side {name} cannot be started"))?;
    let mut stdout = child.stdout.take().context("the output of a side was asked for")?;
    let (said, to_hear) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.read_to_end(&mut text).map(|_| text);
        said.send(read)
    });
    let Ok(said) = to_hear.recv_timeout(patience) else {
        child.kill()?;
        child.wait()?;
        bail!("the side {name} was not done after {} s", patience.as_secs());
    };
    let status = child.wait()?;
    // Libraries of the sides may print what they like before.
    let said = said?;
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().next_back().unwrap_or("it told no reason");
    if !status.success() {
        bail!("the side {name} failed ({status}): {last}");
    }
    let outcome: Outcome = serde_json::from_str(last)
        .ok()
        .with_context(|| format!("the side {name} told no outcome:\n{said}"))?;
    let began = u64::try_from(began.as_millis())?;
    let to_first_record = float(outcome.first_unix_ms.saturating_sub(began)) / 1e3;
    Ok(Ran { outcome, to_first_record, note: None })
}

/// Does a task in this process and tells the outcome on standard output.
pub(crate) fn run(task: &Task) -> Result<()> {
    let tally = Tally::new(task.records);
    let tally = match task.side {
        Side::Raw => raw::run(task, tally)?,
        Side::Limit => limit::run(task, tally)?,
        Side::Healer | Side::HealerThreads => healer::run(task, tally)?,
        other => bail!("{} is a program of its own", other.name()),
    };
    println!("{}", serde_json::to_string(&tally.outcome()?)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::start;
    use crate::task::{Properties, Side, Task, Work};

    /// What comes of a side that is this script.
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
        };
        let ran = start(Command::new("sh").arg("-c").arg(script), &task, patience);
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
