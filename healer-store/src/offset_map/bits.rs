//! The bit set form: one bit an offset from one above the frontier, lowest bit first; smaller where done and
//! pending offsets alternate.

use super::error::OffsetMapError;
use super::{MAX_BYTES, MAX_RUNS};
use crate::ledger::Run;

/// The bytes of the bits up to `end`, or `None` where that is more than a map may hold.
pub(super) fn length(frontier: i64, end: i64) -> Option<usize> {
    let bits = end.abs_diff(frontier).checked_sub(1)?;
    usize::try_from(bits.div_ceil(8)).ok().filter(|&bytes| bytes < MAX_BYTES)
}

/// Encodes runs whose [`length`] is known to fit.
pub(super) fn encode(kind: u8, frontier: i64, runs: &[Run]) -> Vec<u8> {
    let end = runs.last().map_or(frontier, |run| run.end);
    let mut map = vec![0; 1 + length(frontier, end).unwrap_or_default()];
    map[0] = kind;
    for run in runs {
        for offset in run.first..run.end {
            let bit = offset.abs_diff(frontier) - 1;
            // The length was made from the highest offset, so every byte is there.
            if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| map.get_mut(1 + at)) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    map
}

pub(super) fn decode(frontier: i64, bytes: &[u8]) -> Result<Vec<Run>, OffsetMapError> {
    if bytes.last().is_none_or(|&byte| byte == 0) {
        return Err(OffsetMapError::NotCanonical);
    }
    let mut runs: Vec<Run> = Vec::new();
    // Half-open runs need an offset above the highest bit; at most 2^23 bits follow the frontier.
    let mut offset = frontier;
    for byte in bytes {
        for bit in 0..8 {
            let set = byte >> bit & 1 == 1;
            let Some(next) = offset.checked_add(1) else {
                if set {
                    return Err(OffsetMapError::Overflow);
                }
                continue;
            };
            offset = next;
            if !set {
                continue;
            }
            let end = offset.checked_add(1).ok_or(OffsetMapError::Overflow)?;
            let full = runs.len() == MAX_RUNS;
            match runs.last_mut() {
                Some(run) if run.end == offset => run.end = end,
                _ if full => return Err(OffsetMapError::TooManyRuns),
                _ => runs.push(Run::new(offset, end)),
            }
        }
    }
    Ok(runs)
}
