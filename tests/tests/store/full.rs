//! A disk without room for the local store: the pipeline says so and goes on by itself once there is room, or ends by name.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Seen, settings, until};
use healer::prelude::*;
use healer::testing::{EmbeddedKafka, TestRecord};

const FOLDER: &str = "HEALER_TEST_FOLDER";
const BROKERS: &str = "HEALER_TEST_BROKERS";
/// Every line becomes a checkpoint of this many bytes, so that the store grows with each save.
const LARGE: usize = 50_000;

#[stage]
fn enlarge(mut line: String, ctx: &Context, #[state] seen: &Arc<Seen<i64>>) -> String {
    seen.add(ctx.offset());
    line = line.repeat(LARGE / line.len());
    line
}

fn app(seen: &Arc<Seen<i64>>) -> App {
    let app = pipeline! {
        name "full";
        kafka::text("in") => enlarge checkpoint => heal;
    };
    app.with(Arc::clone(seen))
}

fn config(brokers: &str, folder: &Path) -> Config {
    settings(brokers, "group").store_path(folder).build().unwrap()
}

/// The pipeline in a process of its own, whose files may not grow beyond a MiB until [`Small::limit`].
struct Small {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// The offsets that were worked on, as far as it has told them.
    seen: BTreeSet<i64>,
}

impl Small {
    fn start(brokers: &str, folder: &Path) -> Self {
        let mut command = Command::new("sh");
        // The signal would end the process where a full disk only gives an error.
        command.args(["-c", "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" \"$@\""]);
        command.arg(std::env::current_exe().unwrap());
        command.args(["--exact", "full::in_a_small_folder", "--ignored", "--nocapture"]);
        command.env(FOLDER, folder).env(BROKERS, brokers).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: BTreeSet::new() }
    }

    /// The text behind the next line of its own that begins so.
    fn said(&mut self, word: &str) -> String {
        for line in self.lines.by_ref().map(Result::unwrap) {
            self.seen.extend(line.strip_prefix("@ saw ").map(|offset| offset.parse::<i64>().unwrap()));
            if let Some(rest) = line.strip_prefix("@ ").and_then(|line| line.strip_prefix(word)) {
                return rest.trim().to_owned();
            }
        }
        panic!("the other process ends without `{word}`")
    }

    /// The bytes up to which its files may grow from now on.
    fn limit(&self, bytes: &str) {
        let mut prlimit = Command::new("prlimit");
        prlimit.arg(format!("--fsize={bytes}:unlimited")).arg(format!("--pid={}", self.child.id()));
        assert!(prlimit.status().unwrap().success());
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn end(mut self) -> BTreeSet<i64> {
        assert!(self.child.wait().unwrap().success());
        self.seen
    }
}

#[test]
#[ignore = "the other half of the tests of a full disk"]
fn in_a_small_folder() {
    let folder = std::env::var_os(FOLDER).expect("started by another test");
    let config = config(&std::env::var(BROKERS).unwrap(), Path::new(&folder));
    let seen = Arc::<Seen<i64>>::default();
    let say = |line: &str| println!("\n@ {line}");
    let told = || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        line
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(async {
        let handle = app(&seen).start(config).await.unwrap();
        let saves = || handle.health().saves;
        until("the store takes nothing", || saves().failures >= 3).await;
        assert!(!handle.is_finished() && !handle.health().is_well());
        say(&format!("full {}", saves().error.expect("it says why")));
        if tokio::task::block_in_place(told).starts_with("there is room") {
            until("the store takes all again", || saves().failures == 0).await;
            say("well");
        }
        handle.stop();
        handle.join().await
    });
    seen.take().into_iter().for_each(|offset| say(&format!("saw {offset}")));
    match ended {
        Err(error) => say(&format!("ended {error}")),
        Ok(_) => say("ended well"),
    }
}

/// Tells the producer that it is enough, also when a test fails.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The pipeline runs on a full disk while records are produced, and then does `rest` with it. Afterwards it runs to the end in this
/// process, on the same folder; gives the committed offset before that.
async fn on_a_full_disk(rest: impl FnOnce(&mut Small)) -> i64 {
    let (kafka, folder) = (EmbeddedKafka::start().unwrap(), tempfile::tempdir().unwrap());
    kafka.create_topic("in", 1).unwrap();
    let enough = AtomicBool::new(false);
    let produce = || {
        let records = (0..).take_while(|_| !enough.load(Ordering::Relaxed));
        records.map(|n| kafka.produce("in", [TestRecord::new().value(format!("line {n}"))]).unwrap()).count()
    };
    let (produced, mut done) = std::thread::scope(|scope| {
        let producer = scope.spawn(produce);
        let until_it_ended = Enough(&enough);
        let mut small = Small::start(kafka.brokers(), folder.path());
        let full = small.said("full");
        assert!(full.contains("the disk is full") && full.contains("make room"), "{full}");
        assert!(full.contains(&*folder.path().to_string_lossy()), "{full}");
        rest(&mut small);
        drop(until_it_ended);
        (i64::try_from(producer.join().unwrap()).unwrap(), small.end())
    });
    assert!(!done.is_empty(), "it worked");
    let committed = kafka.committed("group", "in").unwrap().get(&0).copied().unwrap_or(0);
    assert!((0..committed).all(|offset| done.contains(&offset)), "{committed} was committed of {done:?}");

    let seen = Arc::<Seen<i64>>::default();
    let config = config(kafka.brokers(), folder.path());
    let report = app(&seen).run_until_end(config).await.expect("there is room");
    assert_eq!(report.lag, Some(0));
    assert_eq!(kafka.committed("group", "in").unwrap()[&0], produced);
    done.extend(seen.take());
    assert_eq!(done, (0..produced).collect(), "every record was worked on");
    committed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_on_a_full_disk_goes_on_by_itself_when_there_is_room() {
    let rest = |small: &mut Small| {
        small.limit("unlimited");
        small.say("there is room");
        small.said("well");
        assert_eq!(small.said("ended"), "well");
    };
    assert!(on_a_full_disk(rest).await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_that_is_stopped_on_a_full_disk_ends_by_name_and_nothing_is_lost() {
    let rest = |small: &mut Small| {
        // The database finds some of its own room free when it is opened again: now it has none at all.
        small.limit("1");
        small.say("stop");
        let ended = small.said("ended");
        assert!(ended.contains("the disk is full") && ended.contains("make room"), "{ended}");
    };
    on_a_full_disk(rest).await;
}
