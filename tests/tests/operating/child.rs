//! A program that is looked at from the outside.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::http::{Page, Verdict, get};
use super::lines::{self, Line};
use super::program::{ANSWER, REPORTS, SHIPPED, TOPIC};
use super::shop::Shop;

/// How long anything may take, also in a debug build on a busy machine.
pub const LIMIT: Duration = Duration::from_mins(1);

const LOOK: Duration = Duration::from_millis(20);

/// The variables of all programs, unless a test says otherwise.
const USUAL: [(&str, &str); 6] = [
    ("HEALER_PROTOCOL", "consumer"),
    ("HEALER_POLL_BUDGET", "20ms"),
    ("HEALER_COMMIT_INTERVAL", "50ms"),
    ("ENABLE_JSON_LOGGING", "1"),
    ("HEALING_INTERVAL", "100ms"),
    ("HEALING_SLEEP_BEFORE_SHUTDOWN", "0"),
];

/// A running program, killed when this is dropped.
pub struct Running {
    process: Child,
    folder: TempDir,
    pub address: SocketAddr,
    answers: usize,
}

/// A program that has ended.
pub struct Ended {
    pub status: ExitStatus,
    pub lines: Vec<Line>,
    folder: TempDir,
}

impl Running {
    /// Starts a program without a pipeline yet, with these environment variables and no others.
    pub fn start(shop: &Shop, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "program", "--ignored", "--nocapture"]).env_clear().envs(USUAL);
        command.env("HEALER_BROKERS", shop.kafka.brokers()).env("HEALER_GROUP", &shop.group);
        command.env(TOPIC, &shop.orders).env(SHIPPED, &shop.shipped).env(REPORTS, path("reports"));
        command.envs(variables.iter().copied()).stdin(Stdio::piped());
        command.stdout(File::create(path("out")).unwrap()).stderr(File::create(path("err")).unwrap());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { process: command.spawn().unwrap(), folder, address: nowhere, answers: 0 };
        let address = program.answer("its address");
        program.address = address.as_str().and_then(|text| text.parse().ok()).expect("an address");
        program
    }

    /// As [`start`](Self::start), with its pipelines and a guard over them.
    pub fn guarded(shop: &Shop, variables: &[(&str, &str)]) -> Self {
        let mut program = Self::start(shop, variables);
        program.say("start");
        program.say("guard");
        program
    }

    /// Gives a command, which must be obeyed.
    pub fn say(&mut self, command: &str) -> Value {
        let answer = self.ask(command);
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }

    /// Gives a command, and waits for its answer.
    pub fn ask(&mut self, command: &str) -> Value {
        writeln!(self.process.stdin.as_ref().expect("it is open"), "{command}").unwrap();
        self.answer(command)
    }

    fn answer(&mut self, to: &str) -> Value {
        let number = self.answers;
        self.answers += 1;
        self.until(to, |program| {
            let said = fs::read_to_string(program.path("out")).unwrap();
            // The last line may not be whole yet.
            let whole = &said[..=said.rfind('\n')?];
            let answer = whole.lines().filter_map(|line| line.strip_prefix(ANSWER)).nth(number)?;
            Some(serde_json::from_str(answer).expect(answer))
        })
    }

    /// Looks again and again until there is something.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended ({ended:?}) before {what}:\n{}", self.last_words());
            assert!(Instant::now() < end, "{what}: not so after {LIMIT:?}:\n{}", self.last_words());
            thread::sleep(LOOK);
        }
    }

    /// Looks at its metrics until they are so.
    pub fn until_page(&mut self, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        self.until(what, |program| Some(program.page()?).filter(&is_so))
    }

    /// Waits until so many orders are healed, skipped or dead-lettered.
    pub fn until_done(&mut self, orders: i64) -> Page {
        self.until_page(&format!("{orders} orders are done"), |page| done(page) >= orders)
    }

    /// Lets so much time pass in which it goes on polling.
    pub fn let_poll_for(&mut self, time: Duration) -> Page {
        let polled =
            |page: &Page| page.float("healer_last_poll_timestamp_seconds", &[("pipeline", "orders")]);
        let began = self.until_page("it polls", |page| polled(page) > Some(0.0));
        let end = polled(&began).expect("it polled") + time.as_secs_f64();
        self.until_page(&format!("it polls for {time:?}"), |page| polled(page) >= Some(end))
    }

    /// Its metrics; `None` where it does not answer any more.
    pub fn page(&self) -> Option<Page> {
        let (status, text) = get(self.address, "/metrics").ok()?;
        assert_eq!(status, 200, "{text}");
        Some(Page::parse(&text))
    }

    /// The answer of `/healthz` or `/readyz`; `None` where there is none.
    pub fn verdict(&self, path: &str) -> Option<Verdict> {
        get(self.address, path).ok().map(Verdict::new)
    }

    /// Asks there until the answer has this status.
    pub fn until_verdict(&mut self, path: &str, status: u16) -> Verdict {
        let what = format!("{path} says {status}");
        self.until(&what, |program| program.verdict(path).filter(|verdict| verdict.status == status))
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Ended {
        self.say("stop");
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let end = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it runs on after {LIMIT:?}:\n{}", self.last_words());
            thread::sleep(LOOK);
        };
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Ended { status, lines: lines::read(&folder.path().join("err")), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn last_words(&self) -> String {
        const LINES: usize = 30;
        let said = ["out", "err"].map(|name| fs::read_to_string(self.path(name)).unwrap_or_default());
        let said = said.concat();
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    /// The texts of all failure reports.
    pub fn reports(&self) -> Vec<Vec<u8>> {
        let files = fs::read_dir(self.folder.path().join("reports")).unwrap();
        files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

/// How many orders have come to their ends.
pub fn done(page: &Page) -> i64 {
    let orders = [("pipeline", "orders")];
    let ends = ["healed", "skipped", "dead_lettered"].map(|end| format!("healer_records_{end}_total"));
    ends.iter().map(|name| page.count(name, &orders)).sum()
}
