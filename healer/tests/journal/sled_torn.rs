//! Files as a power cut or a failing disk leaves them: pages of two ages side by side, and several damages at
//! once. Many seeded rounds; `HEALER_STORE_ROUNDS=2000 cargo test -p healer --test journal -- --nocapture sled_torn`
//! runs more of them than the ordinary tests do.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use crate::disk::{PARTITIONS, checkpoint, copy, files, open, quiet_sled, snapshot};
use crate::draw::{Random, setting};
use crate::journal::Loaded;

/// The saves after which the folder was copied.
const OLD: i64 = 25;
const NEW: i64 = 40;

/// The folder as it is on the disk right after two of the saves, of a store that is still open.
fn two_ages() -> (tempfile::TempDir, tempfile::TempDir) {
    let (folder, old, new) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(folder.path()).unwrap();
    for save in 1..=NEW {
        let snapshots: Vec<_> = (0..PARTITIONS).map(|partition| snapshot(partition, save)).collect();
        let checkpoints: Vec<_> = (0..PARTITIONS).map(|partition| checkpoint(partition, save)).collect();
        journal.save(&snapshots, &checkpoints, &[]).unwrap();
        if save == OLD {
            copy(folder.path(), old.path());
        }
    }
    copy(folder.path(), new.path());
    (old, new)
}

/// How often something came out of a store.
#[derive(Debug, Default)]
struct Tally(BTreeMap<&'static str, u32>);

impl Tally {
    fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Opens and reads everything: a snapshot of another save than `allowed` is a wrong claim.
    fn check(&mut self, folder: &Path, allowed: &RangeInclusive<i64>, what: &str) {
        let Ok(journal) = open(folder) else {
            return self.add("store refused");
        };
        for partition in 0..PARTITIONS {
            match journal.load("flights", partition) {
                Err(_) => self.add("row refused"),
                Ok(Loaded::Damaged { .. }) => self.add("row damaged"),
                Ok(Loaded::Found(found)) => {
                    let right = allowed.clone().any(|save| found == snapshot(partition, save));
                    assert!(right, "{what}: partition {partition} claims {}", found.frontier);
                    self.add("row right");
                }
                Ok(other) => panic!("{what}: partition {partition} was saved and is {other:?}"),
            }
        }
        for found in journal.all_checkpoints().unwrap_or_default() {
            assert!((1..=NEW).any(|save| found == checkpoint(found.partition, save)), "{what}: {found:?}");
        }
        let next = snapshot(0, NEW + 1);
        let saved = journal.save(std::slice::from_ref(&next), &[], &[]);
        if saved.is_ok() {
            assert_eq!(journal.load("flights", 0).unwrap(), Loaded::Found(next.clone()), "{what}");
        }
        drop(journal);
        // A row that a damaged store took may be lost again, but not in silence.
        if let (Ok(()), Ok(journal)) = (saved, open(folder)) {
            match journal.load("flights", 0) {
                Ok(Loaded::Found(found)) => assert_eq!(found, next, "{what}, after another save"),
                Ok(Loaded::Damaged { .. }) | Err(_) => self.add("later save lost"),
                Ok(other) => panic!("{what}: after another save {other:?}"),
            }
        }
    }
}

/// Pages of `new` where they reached the disk, those of `old` (or nothing) where they did not.
fn torn(old: &[u8], new: &[u8], page: usize, random: &mut Random) -> Vec<u8> {
    let length = if random.once_in(2) { new.len() } else { old.len() + random.index(new.len() + 1) };
    let mut mixed: Vec<u8> = new[..length.min(new.len())].to_vec();
    for (at, page) in mixed.chunks_mut(page).enumerate().map(|(i, chunk)| (i * page, chunk)) {
        if random.once_in(2) {
            for (i, byte) in page.iter_mut().enumerate() {
                *byte = old.get(at + i).copied().unwrap_or(0);
            }
        }
    }
    mixed
}

#[test]
fn pages_of_two_ages_are_refused_damaged_or_right_and_never_a_wrong_claim() {
    let (rounds, seed) = (setting("HEALER_STORE_ROUNDS", 60_u64), setting("HEALER_STORE_SEED", 1));
    let (old, new) = two_ages();
    quiet_sled();
    let mut tally = Tally::default();
    for round in 0..rounds {
        let mut random = Random::new(seed ^ round << 32);
        let folder = tempfile::tempdir().unwrap();
        copy(new.path(), folder.path());
        let page = [512, 4096, 32_768][random.index(3)];
        for file in files(new.path()) {
            let name = file.strip_prefix(new.path()).unwrap();
            if name != Path::new("witness") {
                let older = fs::read(old.path().join(name)).unwrap_or_default();
                let mixed = torn(&older, &fs::read(&file).unwrap(), page, &mut random);
                fs::write(folder.path().join(name), mixed).unwrap();
            }
        }
        // It is replaced as a whole, and by rights only after the rows are synced: the new one is a disk that lied.
        let lied = random.once_in(2);
        if !lied {
            fs::copy(old.path().join("witness"), folder.path().join("witness")).unwrap();
        }
        let allowed = if lied { NEW..=NEW } else { OLD..=NEW };
        tally.check(folder.path(), &allowed, &format!("seed {seed}, round {round}"));
    }
    println!("{rounds} rounds of torn files (seed {seed}): {tally:?}");
}

#[test]
fn several_damages_at_once_are_refused_damaged_or_right_and_never_a_wrong_claim() {
    let (rounds, seed) = (setting("HEALER_STORE_ROUNDS", 60_u64), setting("HEALER_STORE_SEED", 1));
    let (_old, whole) = two_ages();
    quiet_sled();
    let mut tally = Tally::default();
    for round in 0..rounds {
        let mut random = Random::new(!seed ^ round << 32);
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        let mut what = format!("seed {seed}, round {round}:");
        for _ in 0..=random.below(4) {
            let files = files(folder.path());
            if !files.is_empty() {
                what += &damage(&files[random.index(files.len())], &mut random);
            }
        }
        tally.check(folder.path(), &(NEW..=NEW), &what);
    }
    println!("{rounds} rounds of damaged files (seed {seed}): {tally:?}");
}

/// Flips bits, cuts, or copies a piece of the file over another one; gives the name of the damage.
fn damage(file: &Path, random: &mut Random) -> String {
    let mut bytes = fs::read(file).unwrap();
    // Where the file holds something: most of sled's last segment is zeros, which prove nothing.
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(1, |at| at + 1);
    let at = random.index(used);
    let done = match random.below(4) {
        0 => {
            bytes.truncate(at);
            "cut"
        }
        1 => {
            let (from, length) = (random.index(used), 1 + random.index(5000));
            let piece = bytes[from..(from + length).min(used)].to_vec();
            let end = (at + piece.len()).min(used);
            bytes[at..end].copy_from_slice(&piece[..end - at]);
            "overwritten by another piece"
        }
        _ => {
            for _ in 0..=random.below(8) {
                bytes[random.index(used)] ^= 1 << random.below(8);
            }
            "flipped"
        }
    };
    fs::write(file, bytes).unwrap();
    format!(" {} {done} at {at};", file.file_name().unwrap_or_default().display())
}
