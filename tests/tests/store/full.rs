//! A disk without room for the local store: the pipeline says so and stops, and goes on once there is room.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Seen, settings};
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

/// The pipeline in a process of its own, whose files may not grow beyond `blocks`: which offsets were worked on,
/// and why it ended.
fn limited(blocks: u64, brokers: &str, folder: &Path) -> (Vec<i64>, String) {
    let mut command = Command::new("sh");
    // The signal would end the process where a full disk only gives an error.
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "full::in_a_small_folder", "--ignored", "--nocapture"]);
    let mut child = command.env(FOLDER, folder).env(BROKERS, brokers).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let (mut seen, mut ended) = (Vec::new(), None);
    for line in lines {
        seen.extend(line.strip_prefix("@ saw ").map(|offset| offset.parse::<i64>().unwrap()));
        ended = ended.or(line.strip_prefix("@ ended ").map(ToOwned::to_owned));
    }
    assert!(child.wait().unwrap().success());
    (seen, ended.expect("the pipeline ends"))
}

#[test]
#[ignore = "the other half of a_full_disk_stops_the_pipeline_by_name_and_nothing_is_lost"]
fn in_a_small_folder() {
    let folder = std::env::var_os(FOLDER).expect("started by another test");
    let config = config(&std::env::var(BROKERS).unwrap(), Path::new(&folder));
    let seen = Arc::<Seen<i64>>::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(app(&seen).run(config));
    let mut out = std::io::stdout().lock();
    for offset in seen.take() {
        writeln!(out, "\n@ saw {offset}").unwrap();
    }
    match ended {
        Err(error) => writeln!(out, "\n@ ended {error}").unwrap(),
        Ok(report) => writeln!(out, "\n@ ended without an error: {report:?}").unwrap(),
    }
}

/// Tells the producer that it is enough, also when a test fails.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_pipeline_by_name_and_nothing_is_lost() {
    let (kafka, folder) = (EmbeddedKafka::start().unwrap(), tempfile::tempdir().unwrap());
    kafka.create_topic("in", 1).unwrap();
    let enough = AtomicBool::new(false);
    let produce = || {
        let records = (0..).take_while(|_| !enough.load(Ordering::Relaxed));
        records.map(|n| kafka.produce("in", [TestRecord::new().value(format!("line {n}"))]).unwrap()).count()
    };
    let (produced, first, second) = std::thread::scope(|scope| {
        let producer = scope.spawn(produce);
        let until_both_ended = Enough(&enough);
        // Room for an empty store and a few saves; the second process finds it as full as the first one left it.
        let run = || limited(2048, kafka.brokers(), folder.path());
        let (first, second) = (run(), run());
        drop(until_both_ended);
        (i64::try_from(producer.join().unwrap()).unwrap(), first, second)
    });
    for (_, ended) in [&first, &second] {
        assert!(ended.contains("the disk is full") && ended.contains("make room"), "{ended}");
        assert!(ended.contains(&*folder.path().to_string_lossy()), "{ended}");
    }
    assert!(!first.0.is_empty(), "it worked until there was no room");

    let mut done: BTreeSet<i64> = first.0.into_iter().chain(second.0).collect();
    let committed = kafka.committed("group", "in").unwrap().get(&0).copied().unwrap_or(0);
    assert!((0..committed).all(|offset| done.contains(&offset)), "{committed} was committed of {done:?}");
    println!("{} records before the disk was full, {committed} committed, {produced} in all", done.len());

    let seen = Arc::<Seen<i64>>::default();
    let config = config(kafka.brokers(), folder.path());
    let report = app(&seen).run_until_end(config).await.expect("there is room again");
    assert_eq!(report.lag, Some(0));
    assert_eq!(kafka.committed("group", "in").unwrap()[&0], produced);
    done.extend(seen.take());
    assert_eq!(done, (0..produced).collect(), "every record was worked on");
}
