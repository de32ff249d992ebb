//! The set of offsets done above a frontier in few bytes, because commit metadata has room for 4,096 only.
//!
//! The first byte names version and kind; the rest is either run lengths (`gap - 1` and `length - 1` of each
//! run, as variable-length numbers) or a bit set that starts one above the frontier, whichever is smaller.
//! All is relative to the frontier, which travels apart from it.
//!
//! Bytes that come back from outside are hostile: decoding never panics, allocates at most [`MAX_RUNS`] runs
//! and gives back only runs that ascend above the frontier.
//!
//! ```
//! use healer_store::{ledger::Run, offset_map};
//!
//! let done = [Run::new(1_002, 1_500), Run::new(1_501, 9_000)];
//! let bytes = offset_map::encode(1_000, done)?;
//! assert_eq!(bytes.len(), 7);
//! assert_eq!(offset_map::decode(1_000, &bytes)?, done);
//! # Ok::<(), offset_map::OffsetMapError>(())
//! ```

mod bits;
mod error;
mod varint;

pub use error::OffsetMapError;

use crate::ledger::Run;

/// The longest map that [`decode`] looks at, in bytes; [`encode`] never writes a longer one.
pub const MAX_BYTES: usize = 1 << 20;

/// The most runs that a map holds: [`decode`] allocates at most this many [`Run`]s, 1 MiB.
pub const MAX_RUNS: usize = 1 << 16;

const RUNS_V1: u8 = 0x11;
const BITS_V1: u8 = 0x12;

/// Encodes `runs`, which must ascend and lie above `frontier`; runs that touch become one.
///
/// Of more than [`MAX_RUNS`] runs the lowest are kept. Offsets that are left out are processed again; nothing is lost.
///
/// # Errors
///
/// [`OffsetMapError::NotAscending`] if a run is empty, overlaps the one before or does not lie above the
/// frontier.
pub fn encode(frontier: i64, runs: impl IntoIterator<Item = Run>) -> Result<Vec<u8>, OffsetMapError> {
    let runs = joined(frontier, runs)?;
    let mut end = frontier;
    let mut bytes = 1;
    for run in &runs {
        bytes += varint::length(run.first.abs_diff(end) - 1) + varint::length(run.len() - 1);
        end = run.end;
    }
    if bits::length(frontier, end).is_some_and(|length| 1 + length < bytes) {
        return Ok(bits::encode(BITS_V1, frontier, &runs));
    }
    let mut map = Vec::with_capacity(bytes);
    map.push(RUNS_V1);
    end = frontier;
    for run in &runs {
        varint::write(run.first.abs_diff(end) - 1, &mut map);
        varint::write(run.len() - 1, &mut map);
        end = run.end;
    }
    Ok(map)
}

/// Decodes a map that [`encode`] wrote for the same frontier into ascending runs that never touch.
///
/// # Errors
///
/// An [`OffsetMapError`] for every other bytes; the right answer to each is to skip nothing.
pub fn decode(frontier: i64, bytes: &[u8]) -> Result<Vec<Run>, OffsetMapError> {
    if bytes.len() > MAX_BYTES {
        return Err(OffsetMapError::TooLong { bytes: bytes.len() });
    }
    match bytes.split_first() {
        None => Err(OffsetMapError::Empty),
        Some((&RUNS_V1, rest)) => decode_runs(frontier, rest),
        Some((&BITS_V1, rest)) => bits::decode(frontier, rest),
        Some((&kind, _)) => Err(OffsetMapError::UnknownKind { kind }),
    }
}

fn joined(frontier: i64, runs: impl IntoIterator<Item = Run>) -> Result<Vec<Run>, OffsetMapError> {
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        let above = match joined.last_mut() {
            Some(last) if last.end == run.first && !run.is_empty() => {
                last.end = run.end;
                continue;
            }
            Some(last) => run.first > last.end,
            None => run.first > frontier,
        };
        if !above || run.is_empty() {
            return Err(OffsetMapError::NotAscending { frontier });
        }
        if joined.len() == MAX_RUNS {
            break;
        }
        joined.push(run);
    }
    Ok(joined)
}

fn decode_runs(frontier: i64, bytes: &[u8]) -> Result<Vec<Run>, OffsetMapError> {
    let mut runs = Vec::new();
    let mut at = 0;
    let mut end = frontier;
    while at < bytes.len() {
        if runs.len() == MAX_RUNS {
            return Err(OffsetMapError::TooManyRuns);
        }
        let first = above(end, varint::read(bytes, &mut at)?)?;
        end = above(first, varint::read(bytes, &mut at)?)?;
        runs.push(Run::new(first, end));
    }
    Ok(runs)
}

/// `offset + less_one + 1`, if there is such an offset.
fn above(offset: i64, less_one: u64) -> Result<i64, OffsetMapError> {
    offset.checked_add_unsigned(less_one).and_then(|sum| sum.checked_add(1)).ok_or(OffsetMapError::Overflow)
}
