//! A writer that is killed in the middle of saves, or runs out of disk: nothing may be skipped afterwards.
//!
//! `HEALER_STORE_KILLS=1000 cargo test -p healer --test journal -- --nocapture killed` kills a thousand times.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use healer_store::{Run, SledStore, StoreError};

use crate::disk::open;
use crate::draw::{Random, setting};
use crate::journal::{Checkpoint, Journal, Loaded, PartitionSnapshot};

const FOLDER: &str = "HEALER_STORE_TEST_FOLDER";
const PARTITIONS: i32 = 4;
/// How long anything that a test waits for may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Not every save has every partition, so that rows of several ages stand side by side.
fn has(save: i64, partition: i32) -> bool {
    (save + i64::from(partition)) % 3 != 0
}

fn snapshot(partition: i32, save: i64) -> PartitionSnapshot {
    PartitionSnapshot {
        topic: "flights".to_owned(),
        partition,
        lineage: 1,
        frontier: save,
        position: save + 1000,
        done_above: (1..100).map(|i| Run::new(save + 4 * i, save + 4 * i + 2)).collect(),
        fingerprint: Some(save.unsigned_abs()),
        leader_epoch: None,
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

/// All that a store knows after `save`: the last number that each partition was saved with, if there is one.
fn state(save: i64) -> Vec<Option<i64>> {
    let last = |partition| (1..=save).rev().take(3).find(|&save| has(save, partition));
    (0..PARTITIONS).map(last).collect()
}

/// The same, as the store tells it; fails if anything in it was never written.
fn read(journal: &Journal) -> Vec<Option<i64>> {
    let checkpoints = journal.all_checkpoints().unwrap();
    let read = |partition| {
        let save = match journal.load("flights", partition).unwrap() {
            Loaded::Fresh => None,
            Loaded::Found(found) => {
                assert_eq!(found, snapshot(partition, found.frontier));
                Some(found.frontier)
            }
            other => panic!("a crash between writes must not look like damage: {other:?}"),
        };
        let kept = checkpoints.iter().find(|kept| kept.partition == partition);
        assert_eq!(
            kept,
            save.map(|save| checkpoint(partition, save)).as_ref(),
            "in one write with the snapshot"
        );
        save
    };
    (0..PARTITIONS).map(read).collect()
}

/// The save, from `acknowledged` to `begun`, that the store is at; fails if it is torn, behind or ahead.
fn save_of(journal: &Journal, acknowledged: i64, begun: i64) -> i64 {
    let found = read(journal);
    (acknowledged..=begun)
        .find(|&save| state(save) == found)
        .unwrap_or_else(|| panic!("{found:?} is none of the saves {acknowledged}..={begun}"))
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
    let journal = match open(Path::new(&folder)) {
        Ok(journal) => journal,
        Err(error) => return say(format!("failed {error}")),
    };
    let last = read(&journal).into_iter().flatten().max().unwrap_or_default();
    for save in last + 1.. {
        say(format!("begin {save}"));
        let partitions = || (0..PARTITIONS).filter(|&partition| has(save, partition));
        let snapshots: Vec<_> = partitions().map(|partition| snapshot(partition, save)).collect();
        let checkpoints: Vec<_> = partitions().map(|partition| checkpoint(partition, save)).collect();
        match journal.save(&snapshots, &checkpoints, &[]) {
            Ok(()) => say(format!("saved {save}")),
            Err(error) => return say(format!("failed {error}")),
        }
    }
}

fn start(command: &mut Command, folder: &Path) -> (Child, mpsc::Receiver<String>) {
    let mut child = command
        .args(["--exact", "crash::child_writer", "--nocapture", "--test-threads=1"])
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

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// The last words of a writer, of each kind.
#[derive(Debug, Default)]
struct Said {
    begun: i64,
    saved: i64,
    failed: Option<String>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let number = |word| line.strip_prefix(word)?.trim().parse::<i64>().ok();
        self.begun = number("begin").unwrap_or(self.begun);
        self.saved = number("saved").unwrap_or(self.saved);
        self.failed = self.failed.take().or(line.strip_prefix("failed ").map(ToOwned::to_owned));
    }
}

#[test]
fn a_killed_writer_leaves_a_store_that_opens_and_is_neither_behind_nor_ahead() {
    let kills: u64 = setting("HEALER_STORE_KILLS", 60);
    let seed: u64 = setting("HEALER_STORE_SEED", 1);
    let mut random = Random::new(seed);
    let mut folder = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    let (mut early, mut unacknowledged, mut saves) = (0, 0, 0);
    for round in 0..kills {
        if round % 20 == 0 {
            // So that a store is also killed while it is made.
            folder = tempfile::tempdir().unwrap();
            said = Said::default();
        }
        let before = said.begun;
        let (mut child, lines) = start(&mut this_program(), folder.path());
        if !random.once_in(4) {
            said.hear(&lines.recv_timeout(LIMIT).expect("the writer begins"));
        }
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in &lines {
            said.hear(&line);
        }
        assert_eq!(said.failed, None, "seed {seed}, round {round}");
        let journal = open(folder.path()).expect("a killed writer's store opens");
        let at = save_of(&journal, said.saved, said.begun);
        early += u64::from(said.begun == before);
        unacknowledged += u64::from(at > said.saved);
        saves += at - before;
        // A save that is there without an acknowledgement was done all the same.
        (said.saved, said.begun) = (at, at);
    }
    println!(
        "{kills} kills (seed {seed}): every store opened; {early} were killed while opening, {unacknowledged} \
         between a save and its acknowledgement; {saves} saves"
    );
    assert!(saves > 0 && early < kills);
}

#[test]
fn a_store_that_another_process_holds_names_that_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, lines) = start(&mut this_program(), folder.path());
    lines.recv_timeout(LIMIT).expect("the writer begins");
    let opened = SledStore::open(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let error = opened.unwrap_err();
    assert!(matches!(error, StoreError::Locked { pid: Some(pid), .. } if pid == child.id()), "{error}");
    open(folder.path()).expect("the lock ends with its process");
}

/// A limit on the size of files stands for the full disk: it needs no rights and no disk.
fn limited(blocks: u64) -> Command {
    let mut limited = Command::new("sh");
    // The signal would end the process where a full disk only gives an error.
    limited.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    limited.arg(std::env::current_exe().unwrap());
    limited
}

#[test]
fn a_full_disk_is_an_error_that_says_so_and_the_last_save_stands() {
    // From not even room for an empty store to some dozen saves.
    for blocks in [0, 1, 8, 200, 1024, 1100, 1500, 2500] {
        let folder = tempfile::tempdir().unwrap();
        let mut said = Said::default();
        // A second process finds the disk as full as the first one left it.
        for run in 0..2 {
            let (mut child, lines) = start(&mut limited(blocks), folder.path());
            loop {
                match lines.recv_timeout(LIMIT) {
                    Ok(line) => said.hear(&line),
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        child.kill().unwrap();
                        panic!("{blocks} blocks: a store that cannot grow hangs after {said:?}");
                    }
                }
            }
            child.wait().unwrap();
            let failure = said.failed.take().expect("a store that cannot grow says so");
            println!("{blocks} blocks, run {run}, {} saves: {failure}", said.saved);
            assert!(failure.contains("the disk is full"), "{blocks} blocks: {failure}");
            assert!(failure.contains(&folder.path().display().to_string()), "{failure}");
        }
        let journal = open(folder.path()).unwrap_or_else(|error| panic!("{blocks} blocks: {error}"));
        let at = save_of(&journal, said.saved, said.begun);
        journal.save(&[snapshot(0, at + 3)], &[], &[]).unwrap();
        assert_eq!(journal.load("flights", 0).unwrap(), Loaded::Found(snapshot(0, at + 3)));
    }
}
