//! The effect of an unclean leader election on a partition: its newest records are gone, and their offsets are free again.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::RealKafka;

/// How long the head of a batch is: its first offset, then its length; the length counts the bytes behind the head.
const HEAD: usize = 12;

impl RealKafka {
    /// Cuts a partition's log, so that `end` is the offset of its next record. The broker must not run, as after
    /// [`kill`](Self::kill), and a batch of records must begin there: the records of one call may be one batch.
    ///
    /// # Errors
    /// The broker runs, or no batch begins there in the partition's first segment.
    pub fn cut_log(&self, topic: &str, partition: i32, end: i64) -> Result<()> {
        ensure!(self.process().is_none(), "the broker must be killed before its files are changed");
        let folder = self.room.data().join(format!("{topic}-{partition}"));
        let file = folder.join(format!("{:020}.log", 0));
        let length = length_up_to(&file, end).with_context(|| file.display().to_string())?;
        File::options().write(true).open(&file)?.set_len(length)?;
        Ok(())
    }
}

/// How many bytes of a segment lie before the batch that begins with an offset.
fn length_up_to(segment: &Path, offset: i64) -> Result<u64> {
    let bytes = fs::read(segment)?;
    let mut rest = &bytes[..];
    while let Some((first, length)) = rest.first_chunk::<HEAD>().and_then(|head| {
        let (first, length) = head.split_first_chunk::<8>()?;
        Some((i64::from_be_bytes(*first), u32::from_be_bytes(length.try_into().ok()?)))
    }) {
        ensure!(first <= offset, "a batch goes on over offset {offset}");
        if first == offset {
            return Ok((bytes.len() - rest.len()).try_into()?);
        }
        rest = rest.get(HEAD + usize::try_from(length)?..).context("a batch is cut off")?;
    }
    anyhow::bail!("no batch begins with offset {offset}")
}
