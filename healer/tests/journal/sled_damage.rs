//! Damage at every position of every file of a store: an error or `Damaged`, never `Fresh`, never wrong.

use std::fs;
use std::path::Path;

use crate::disk::{PARTITIONS, checkpoint, copy, files, fill, open, quiet_sled, snapshot};
use crate::draw::Random;
use crate::journal::Loaded;

/// How often the store that is damaged was saved.
const SAVES: i64 = 80;

/// The results of opening a damaged folder and loading every partition.
#[derive(Debug, Default)]
struct Tally {
    refused: u32,
    failed: u32,
    damaged: u32,
    found: u32,
}

impl Tally {
    fn check(&mut self, folder: &Path, what: &str) {
        let Ok(journal) = open(folder) else {
            self.refused += 1;
            return;
        };
        for partition in 0..PARTITIONS {
            match journal.load("flights", partition) {
                Err(_) => self.failed += 1,
                Ok(Loaded::Damaged { .. }) => self.damaged += 1,
                Ok(Loaded::Found(found)) => {
                    assert_eq!(found, snapshot(partition, SAVES), "{what}: wrong snapshot");
                    self.found += 1;
                }
                Ok(other) => panic!("{what}: partition {partition} was saved and is {other:?}"),
            }
        }
        // Checkpoints that can be read are as they were written, even in a damaged folder.
        for found in journal.all_checkpoints().unwrap_or_default() {
            assert!((1..=SAVES).any(|save| found == checkpoint(found.partition, save)), "{what}: {found:?}");
        }
        let _ = journal.save(&[snapshot(0, SAVES + 1)], &[], &[]);
    }
}

#[test]
fn damage_at_any_position_is_an_error_or_damaged_and_never_fresh_or_wrong() {
    let whole = tempfile::tempdir().unwrap();
    // Enough for several of sled's segments, with a restart in between.
    fill(whole.path(), 1..=SAVES / 2);
    fill(whole.path(), SAVES / 2 + 1..=SAVES);
    quiet_sled();
    let mut random = Random::new(0x5eed);
    for file in files(whole.path()) {
        let name = file.strip_prefix(whole.path()).unwrap();
        let bytes = fs::read(&file).unwrap();
        // Where the file holds something: most of sled's segment is zeros, which prove nothing.
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(1, |at| at + 1) as u64;
        let mut tally = Tally::default();
        for trial in 0..40 {
            let mut changed = bytes.clone();
            let at = usize::try_from(random.below(used)).unwrap();
            let what = match trial % 5 {
                0 => {
                    changed[at] ^= 1 << random.below(8);
                    format!("{}: bit flipped in byte {at}", name.display())
                }
                1 => {
                    let end = (at + 64).min(changed.len());
                    changed[at..end].iter_mut().for_each(|byte| *byte = !*byte);
                    format!("{}: 64 bytes flipped at {at}", name.display())
                }
                2 => {
                    changed.truncate(at);
                    format!("{}: cut at {at}", name.display())
                }
                3 => {
                    let end = (at + 4096).min(changed.len());
                    changed[at..end].fill(0);
                    format!("{}: 4,096 bytes zeroed at {at}", name.display())
                }
                _ if trial == 4 => {
                    changed.clear();
                    format!("{}: emptied", name.display())
                }
                _ => {
                    let end = (at + 16).min(changed.len());
                    changed[at..end].iter_mut().for_each(|byte| *byte = random.below(256).to_le_bytes()[0]);
                    format!("{}: 16 random bytes at {at}", name.display())
                }
            };
            let folder = tempfile::tempdir().unwrap();
            copy(whole.path(), folder.path());
            fs::write(folder.path().join(name), changed).unwrap();
            tally.check(folder.path(), &what);
        }
        println!("{} ({used} bytes used): {tally:?}", name.display());
    }
}
