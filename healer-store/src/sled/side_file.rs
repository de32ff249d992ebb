//! A second, tiny record of the rows that the database must hold, because sled loses damaged pages without a word.
//!
//! It names every row whose loss matters with its sequence number, and is replaced as a whole: written apart,
//! synced, renamed. It is written only *after* the rows are durable, so after a crash the database may be
//! ahead of it, which is fine, and is behind it only if rows were lost.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::store::StoreError;

/// The format of the folder as a whole.
pub(super) const VERSION: u32 = 1;

const NAME: &str = "witness";
const SCRATCH: &str = "witness.new";
const MAGIC: &str = "healer-store";

/// The contents of the side file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SideFile {
    /// False if an earlier side file was lost, so that a row which is not named may have existed.
    pub(super) complete: bool,
    /// The highest durable sequence number of each witnessed row.
    pub(super) rows: BTreeMap<Vec<u8>, u64>,
}

/// The state in which the side file was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// There is a file, but its text is not the one that was written.
    Damaged,
    Newer(u32),
    Whole {
        pid: u32,
        side: SideFile,
    },
}

impl SideFile {
    pub(super) fn new(complete: bool) -> Self {
        Self { complete, rows: BTreeMap::new() }
    }

    pub(super) fn read(folder: &Path) -> Result<Found, StoreError> {
        let path = folder.join(NAME);
        match fs::read(&path) {
            Ok(bytes) => Ok(parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(source) => Err(StoreError::io("read", path, source)),
        }
    }

    /// The process that wrote the side file last, as far as anyone can tell.
    pub(super) fn pid(folder: &Path) -> Option<u32> {
        match Self::read(folder) {
            Ok(Found::Whole { pid, .. }) => Some(pid),
            _ => None,
        }
    }

    pub(super) fn replace(&self, folder: &Path) -> Result<(), StoreError> {
        let scratch = folder.join(SCRATCH);
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::io(action, path, source)
        };
        let mut file = File::create(&scratch).map_err(failed("create", &scratch))?;
        file.write_all(self.text(std::process::id()).as_bytes()).map_err(failed("write", &scratch))?;
        file.sync_all().map_err(failed("sync", &scratch))?;
        let path = folder.join(NAME);
        fs::rename(&scratch, &path).map_err(failed("replace", &path))?;
        sync_folder(folder).map_err(failed("sync", folder))
    }

    fn text(&self, pid: u32) -> String {
        let highest = self.rows.values().max().copied().unwrap_or_default();
        let complete = if self.complete { "yes" } else { "no" };
        let mut text = format!("{MAGIC} {VERSION}\npid {pid}\nhighest {highest}\ncomplete {complete}\n");
        for (key, sequence) in &self.rows {
            text.push_str("row ");
            for byte in key {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
            let _ = writeln!(text, " {sequence}");
        }
        let checksum = crc32fast::hash(text.as_bytes());
        let _ = writeln!(text, "crc {checksum:08x}");
        text
    }
}

fn parse(bytes: &[u8]) -> Found {
    let Some(text) = checked(bytes) else {
        return Found::Damaged;
    };
    let mut lines = text.lines();
    match lines.next().and_then(|line| line.strip_prefix(MAGIC)?.trim_start().parse().ok()) {
        Some(VERSION) => {}
        // Every version starts with this line and ends with the checksum, so that this much can be read.
        Some(newer) if newer > VERSION => return Found::Newer(newer),
        _ => return Found::Damaged,
    }
    parse_body(lines).unwrap_or(Found::Damaged)
}

/// The text above the checksum, if the checksum fits.
fn checked(bytes: &[u8]) -> Option<&str> {
    let (text, last) = bytes.split_at_checked(bytes.len().checked_sub("crc 01234567\n".len())?)?;
    let checksum = std::str::from_utf8(last).ok()?.strip_prefix("crc ")?.strip_suffix('\n')?;
    // Compared as text: any other spelling of the same number was not written here.
    (checksum == format!("{:08x}", crc32fast::hash(text))).then(|| std::str::from_utf8(text).ok()).flatten()
}

fn parse_body<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<Found> {
    let pid = lines.next()?.strip_prefix("pid ")?.parse().ok()?;
    lines.next()?.strip_prefix("highest ")?;
    let complete = match lines.next()? {
        "complete yes" => true,
        "complete no" => false,
        _ => return None,
    };
    let mut side = SideFile::new(complete);
    for line in lines {
        let (key, sequence) = line.strip_prefix("row ")?.split_once(' ')?;
        side.rows.insert(from_hex(key)?, sequence.parse().ok()?);
    }
    Some(Found::Whole { pid, side })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Makes a rename durable, where folders can be synced at all.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side() -> SideFile {
        let mut side = SideFile::new(true);
        side.rows.insert(vec![1, 0, 255], 7);
        side.rows.insert(vec![1], u64::MAX);
        side
    }

    #[test]
    fn a_side_file_reads_back_as_it_was_written() {
        assert_eq!(parse(side().text(42).as_bytes()), Found::Whole { pid: 42, side: side() });
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let text = format!("{MAGIC} 2\nof another shape\n");
        let text = format!("{text}crc {:08x}\n", crc32fast::hash(text.as_bytes()));
        assert_eq!(parse(text.as_bytes()), Found::Newer(2));
    }

    #[test]
    fn any_single_changed_or_missing_byte_is_noticed() {
        let text = side().text(42).into_bytes();
        for at in 0..text.len() {
            assert_eq!(parse(&text[..at]), Found::Damaged, "cut at {at}");
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(parse(&changed), Found::Damaged, "bit {bit} of byte {at}");
            }
        }
    }
}
