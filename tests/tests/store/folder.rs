//! The folder of the local store: its owner, the conditions that it must meet, and the data that others may read in it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::common::{settings, until};
use healer::store::{Checkpoint, Journal, SledStore};
use healer::testing::EmbeddedKafka;
use healer::{Error, prelude::*};
use healer_tests::report_not_run;
use serde::{Deserialize, Serialize};

/// The variable that tells a child process which folder to use.
const FOLDER: &str = "HEALER_TEST_FOLDER";

fn plain() -> App {
    pipeline! { name "plain"; kafka::text("in") => heal; }
}

/// The error of `build` for a folder; it needs no broker.
fn refusal(folder: &Path) -> Option<Error> {
    let config = settings("localhost:1", "group").store_path(folder).build().unwrap();
    plain().build(&config).err()
}

/// One of the ignored tests below, as a process of its own.
fn process(test: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The text that a child process writes behind this word.
fn said(child: &mut Child, word: &str) -> Option<String> {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    lines.find_map(|line| Some(line.split_once(word)?.1.to_owned()))
}

fn folder_of_the_child() -> std::path::PathBuf {
    std::env::var_os(FOLDER).expect("started by another test").into()
}

#[test]
fn a_store_that_another_process_holds_says_which_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = process("folder::holder", folder.path());
    let pid = holder.id();
    assert_eq!(said(&mut holder, "holds ").as_deref(), Some("it"));
    let error = refusal(folder.path());
    // Its standard input ends, and so does it.
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    let error = error.expect("two would overwrite each other");
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&format!("process {pid}")), "{text}");
    assert!(text.contains(&*folder.path().to_string_lossy()) && text.contains("end that process"), "{text}");
    assert!(refusal(folder.path()).is_none(), "free again when the other one has ended");
}

#[test]
#[ignore = "the other half of a_store_that_another_process_holds_says_which_one"]
fn holder() {
    let store = SledStore::open(folder_of_the_child()).unwrap();
    println!("holds it");
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    drop(store);
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(SledStore::open(folder.path()).unwrap());
    let newer = "healer-store 2\nof another shape\n";
    let newer = format!("{newer}crc {:08x}\n", crc32fast::hash(newer.as_bytes()));
    std::fs::write(folder.path().join("witness"), &newer).unwrap();
    let error = refusal(folder.path()).expect("nobody knows what is in it");
    let text = error.to_string();
    assert!(text.contains("version 2") && text.contains("reads up to 1"), "{text}");
    assert!(text.contains("move the folder away"), "{text}");
    let left = std::fs::read_to_string(folder.path().join("witness")).unwrap();
    assert_eq!(left, newer, "it is left as it was");
}

#[test]
fn a_store_in_a_place_that_is_no_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let error = refusal(&file).expect("a file is no folder");
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
}

/// A mounted folder that nobody can write to; gone when this is dropped.
struct ReadOnly(tempfile::TempDir);

impl ReadOnly {
    fn mount() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "ro", "healer-tests"]).arg(folder.path());
        let output = mount.output().map_err(|error| format!("no `mount`: {error}"))?;
        if output.status.success() {
            return Ok(Self(folder));
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let umount = Command::new("umount").arg(self.0.path()).status();
        assert!(umount.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    // For all but root the mode bits are enough.
    let folder = tempfile::tempdir().unwrap();
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    std::fs::set_permissions(folder.path(), closed).unwrap();
    let mounted;
    let path = if std::fs::write(folder.path().join("probe"), "").is_err() {
        folder.path()
    } else {
        match ReadOnly::mount() {
            Ok(read_only) => {
                mounted = read_only;
                mounted.0.path()
            }
            Err(why) => {
                return report_not_run(format!("root, who may write everywhere, cannot mount: {why}"));
            }
        }
    };
    for folder in [path.to_owned(), path.join("below")] {
        let error = refusal(&folder).expect("nothing could be kept");
        assert!(matches!(error, Error::Store(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&*folder.to_string_lossy()), "{text}");
        assert!(text.contains("writable by this user"), "{text}");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parsed {
    text: String,
    length: usize,
}

#[stage]
fn parse(text: String) -> Parsed {
    Parsed { length: text.len(), text }
}

/// Offset and value of each partition's checkpoint.
fn read(checkpoints: Vec<Checkpoint>) -> Vec<(i32, i64, Parsed)> {
    let read = |one: Checkpoint| {
        assert_eq!((one.node.as_str(), one.topic.as_str()), ("parse", "in"));
        assert!(one.type_name.ends_with("Parsed"), "{}", one.type_name);
        (one.partition, one.offset, serde_json::from_slice(&one.json).unwrap())
    };
    let mut all: Vec<_> = checkpoints.into_iter().map(read).collect();
    all.sort_by_key(|one| one.0);
    all
}

fn stored(folder: &Path) -> Vec<(i32, i64, Parsed)> {
    let store = Arc::new(SledStore::open(folder).unwrap());
    let scopes = Journal::scopes(&*store).unwrap();
    let [scope] = scopes.as_slice() else { panic!("one pipeline ran: {scopes:?}") };
    assert_eq!((scope.group.as_str(), scope.pipeline.as_str()), ("group", "parse"));
    read(Journal::open(store, scope.clone()).unwrap().checkpoints("parse").unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_are_read_from_the_handle_from_the_store_and_by_another_process() {
    let (kafka, folder) = (EmbeddedKafka::start().unwrap(), tempfile::tempdir().unwrap());
    kafka.create_topic("in", 2).unwrap();
    let lines =
        (0..100).map(|n| healer::testing::TestRecord::new().value(format!("line {n}")).partition(n % 2));
    kafka.produce("in", lines).unwrap();
    let app = pipeline! {
        name "parse";
        lines = kafka::text("in") => parse checkpoint;
        lines => heal;
    };
    let config = settings(kafka.brokers(), "group").store_path(folder.path()).build().unwrap();
    let handle = app.start(config).await.unwrap();
    let last = |n: usize| Parsed { text: format!("line {n}"), length: 7 };
    let wanted = vec![(0, 49, last(98)), (1, 49, last(99))];
    until("the last value of each partition", || read(handle.checkpoints("parse").unwrap()) == wanted).await;
    assert!(handle.checkpoints("no such node").unwrap().is_empty());
    handle.stop();
    handle.join().await.unwrap();
    assert_eq!(read(handle.checkpoints("parse").unwrap()), wanted, "also after the end");
    drop(handle);

    assert_eq!(stored(folder.path()), wanted);
    let mut reader = process("folder::reader", folder.path());
    let seen = said(&mut reader, "reads ");
    assert!(reader.wait().unwrap().success());
    assert_eq!(seen.unwrap(), serde_json::to_string(&wanted).unwrap());
}

#[test]
#[ignore = "the other half of checkpoints_are_read_from_the_handle_from_the_store_and_by_another_process"]
fn reader() {
    let seen = stored(&folder_of_the_child());
    println!("reads {}", serde_json::to_string(&seen).unwrap());
}
