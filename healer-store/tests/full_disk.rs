//! A disk that has no room for a while: the store on it goes on in the same process once there is room, with all that it was given.
#![cfg(all(unix, feature = "sled"))]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use healer_store::{KeyRange, PageLimit, SledStore, Store, StoreError, Table, Witness, WriteBatch};

const FOLDER: &str = "HEALER_TEST_FOLDER";
/// How often the same save fails before there is room.
const TRIES: usize = 5;
const LARGE: usize = 50_000;

fn key(n: u64) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

fn value(n: u64) -> Vec<u8> {
    // No run of equal bytes, so that nothing makes it smaller.
    let mut seed = n + 1;
    let mut next = || {
        seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_add(1);
        seed.to_be_bytes()[0]
    };
    (0..LARGE).map(|_| next()).collect()
}

fn batch(n: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put_witnessed(Table::Ledger, b"last".to_vec(), key(n), n + 1);
    batch.put(Table::State, key(n), value(n));
    batch
}

fn save(store: &SledStore, n: u64) -> Result<(), StoreError> {
    store.write(batch(n))?;
    store.flush()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@ {line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Not a test by itself: the process whose files may not grow.
#[test]
#[ignore = "the other half of a_store_on_a_full_disk_goes_on_when_there_is_room"]
fn in_a_small_folder() {
    let folder = std::env::var_os(FOLDER).expect("started by another test");
    let store = SledStore::open(Path::new(&folder)).unwrap();
    let (mut n, mut failed) = (0, 0);
    let mut told = String::new();
    while failed < TRIES {
        match save(&store, n) {
            // Opened again, the database may find some of its own room free.
            Ok(()) => (n, failed) = (n + 1, 0),
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                failed += 1;
                told = error.to_string();
            }
        }
    }
    // What is durable is read all the same, or it is said that it cannot be.
    match store.get(Table::State, &key(0)) {
        Ok(row) => assert_eq!(row, Some(value(0))),
        Err(error) => assert!(error.is_transient(), "{error}"),
    }
    // A write that the database took belongs to the next flush that succeeds, also when the one after it has failed.
    let mut other = WriteBatch::new();
    other.put(Table::Checkpoint, b"other".to_vec(), b"value".to_vec());
    while store.write(other.clone()).is_err() {}
    let _ = store.flush();
    say(&format!("full after {n} saves: {told}"));
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();

    for n in n..n + 10 {
        // The first call may still hear of a write that failed behind its back.
        if let Err(error) = save(&store, n) {
            assert!(error.is_transient(), "{error}");
            save(&store, n).expect("there is room");
        }
    }
    assert_eq!(store.witness(Table::Ledger, b"last").unwrap(), Witness::Written { sequence: n + 10 });
    store.close().unwrap();
    say(&format!("saved {}", n + 10));
}

/// The text behind the next line that the child says itself.
fn said(lines: &mut std::io::Lines<BufReader<ChildStdout>>) -> String {
    let line = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("@ ").map(ToOwned::to_owned));
    line.expect("the child says how far it is")
}

fn child(folder: &Path) -> Child {
    let mut command = Command::new("sh");
    // The signal would end the process where a full disk only gives an error.
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 4096; exec \"$0\" \"$@\""]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "in_a_small_folder", "--ignored", "--nocapture"]).env(FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_store_on_a_full_disk_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = child(folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let full = said(&mut lines);
    assert!(full.starts_with("full after ") && full.contains("the disk is full"), "{full}");
    let room = Command::new("prlimit").arg("--fsize=unlimited").arg(format!("--pid={}", child.id())).status();
    assert!(room.unwrap().success());
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let saved = said(&mut lines);
    assert!(child.wait().unwrap().success());

    let count: u64 = saved.strip_prefix("saved ").unwrap().parse().unwrap();
    println!("{full}; {count} saves in the end");
    let store = SledStore::open(folder.path()).unwrap();
    assert_eq!(store.get(Table::Ledger, b"last").unwrap(), Some(key(count - 1)));
    for n in 0..count {
        assert!(
            store.get(Table::State, &key(n)).unwrap() == Some(value(n)),
            "row {n} of {count} is as it was written"
        );
    }
    let other = store.get(Table::Checkpoint, b"other").unwrap();
    assert_eq!(other, Some(b"value".to_vec()), "a write that was taken is in the next flush");
    let whole = store.scan(Table::State, &KeyRange::all(), PageLimit::new(1_000_000, usize::MAX)).unwrap();
    assert_eq!(whole.rows.len() as u64, count);
}
