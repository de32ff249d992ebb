//! A writer that is killed in the middle of saves, or runs out of disk: nothing may be skipped afterwards.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use healer_store::{Checkpoint, Journal, Loaded, PartitionSnapshot, Run, SledStore, StoreError};

const FOLDER: &str = "HEALER_STORE_TEST_FOLDER";
const PARTITIONS: i32 = 4;

fn snapshot(partition: i32, save: i64) -> PartitionSnapshot {
    PartitionSnapshot {
        topic: "flights".to_owned(),
        partition,
        frontier: save,
        position: save + 1000,
        done_above: (1..100).map(|i| Run::new(save + 4 * i, save + 4 * i + 2)).collect(),
        fingerprint: Some(save.unsigned_abs()),
    }
}

fn checkpoint(partition: i32, save: i64) -> Checkpoint {
    Checkpoint {
        node: "enrich".to_owned(),
        topic: "flights".to_owned(),
        partition,
        offset: save,
        type_name: "Enriched".to_owned(),
        json: vec![b' '; 2000],
    }
}

fn open(folder: &Path) -> Result<Journal, StoreError> {
    Journal::open(Arc::new(SledStore::open(folder)?), "pipeline")
}

/// The save that all partitions are at, 0 if there was none; fails if they are not all at the same.
fn last_save(journal: &Journal) -> i64 {
    let saves: Vec<i64> = (0..PARTITIONS)
        .map(|partition| match journal.load("flights", partition).unwrap() {
            Loaded::Fresh => 0,
            Loaded::Found(found) => {
                assert_eq!(found, snapshot(partition, found.frontier));
                found.frontier
            }
            other => panic!("a crash between writes must not look like damage: {other:?}"),
        })
        .collect();
    assert!(saves.iter().all(|&save| save == saves[0]), "a save was torn: {saves:?}");
    saves[0]
}

/// Not a test by itself: the process that the tests below start and kill.
#[test]
fn child_writer() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    // Written as lines of their own, so that the parent can tell them from the harness's.
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\n@ {line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
    };
    let journal = open(Path::new(&folder)).unwrap();
    for save in last_save(&journal) + 1.. {
        say(format!("begin {save}"));
        let snapshots: Vec<_> = (0..PARTITIONS).map(|partition| snapshot(partition, save)).collect();
        let checkpoints: Vec<_> = (0..PARTITIONS).map(|partition| checkpoint(partition, save)).collect();
        match journal.save(&snapshots, &checkpoints) {
            Ok(()) => say(format!("saved {save}")),
            Err(error) => {
                say(format!("failed {error}"));
                return;
            }
        }
    }
}

fn start(command: &mut Command, folder: &Path) -> (Child, mpsc::Receiver<String>) {
    let mut child = command
        .args(["--exact", "child_writer", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = out.lines().map_while(Result::ok);
        // The parent may have seen enough.
        let _ = lines
            .filter_map(|line| Some(line.strip_prefix("@ ")?.to_owned()))
            .try_for_each(|l| sender.send(l));
    });
    (child, lines)
}

fn number(line: &str, word: &str) -> Option<i64> {
    line.strip_prefix(word)?.trim().parse().ok()
}

#[test]
fn a_killed_writer_leaves_a_store_that_opens_and_is_neither_behind_nor_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let (mut begun, mut saved, mut total) = (0, 0, 0);
    for round in 0..30_u64 {
        let (mut child, lines) = start(&mut Command::new(std::env::current_exe().unwrap()), folder.path());
        let first = lines.recv_timeout(Duration::from_secs(30)).expect("the writer begins");
        std::thread::sleep(Duration::from_micros(round * 7919 % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in std::iter::once(first).chain(lines) {
            begun = number(&line, "begin").unwrap_or(begun);
            saved = number(&line, "saved").unwrap_or(saved);
            assert!(!line.starts_with("failed"), "{line}");
        }
        let journal = open(folder.path()).expect("a killed writer's store opens");
        let last = last_save(&journal);
        assert!(saved <= last && last <= begun, "round {round}: {last} is not within {saved}..={begun}");
        for found in journal.checkpoints("enrich").unwrap() {
            assert_eq!(found, checkpoint(found.partition, last));
        }
        total = last;
    }
    println!("30 kills, {total} saves");
    assert!(total > 30);
}

#[test]
fn a_store_that_another_process_holds_names_that_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, lines) = start(&mut Command::new(std::env::current_exe().unwrap()), folder.path());
    lines.recv_timeout(Duration::from_secs(30)).expect("the writer begins");
    let opened = SledStore::open(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let error = opened.unwrap_err();
    assert!(matches!(error, StoreError::Locked { pid: Some(pid), .. } if pid == child.id()), "{error}");
    open(folder.path()).expect("the lock ends with its process");
}

#[test]
fn a_full_disk_is_an_error_that_says_so_and_the_last_save_stands() {
    let folder = tempfile::tempdir().unwrap();
    // A limit on the size of files stands for the full disk: it needs no rights and no disk.
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 1500; exec \"$0\" \"$@\"")
        .arg(std::env::current_exe().unwrap());
    let (mut child, lines) = start(&mut limited, folder.path());
    let until = Instant::now() + Duration::from_secs(30);
    let (mut saved, mut failure) = (0, None);
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        saved = number(&line, "saved").unwrap_or(saved);
        failure = failure.or(line.strip_prefix("failed ").map(ToOwned::to_owned));
    }
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let failure = failure.expect("a store that cannot grow says so, and does not hang");
    println!("after {saved} saves: {failure}, then {ended:?}");
    assert!(failure.contains(&folder.path().display().to_string()), "{failure}");
    let journal = open(folder.path()).unwrap();
    let last = last_save(&journal);
    assert!(saved <= last && last <= saved + 1, "{last} after {saved}");
    journal.save(&[snapshot(0, last + 1)], &[]).unwrap();
}
