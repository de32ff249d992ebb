//! Unsigned numbers in as few bytes as they need (LEB128), read without trust.

use super::error::OffsetMapError;

pub(super) fn length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

pub(super) fn write(mut value: u64, into: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            into.push(low & 0x7f);
            return;
        }
        into.push(low | 0x80);
    }
}

/// Reads the number at `*at` and moves `*at` past it.
pub(super) fn read(bytes: &[u8], at: &mut usize) -> Result<u64, OffsetMapError> {
    let start = *at;
    let malformed = OffsetMapError::Number { at: start };
    let mut value = 0_u64;
    for (i, &byte) in bytes.get(start..).unwrap_or_default().iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit; a zero there would have been left out.
        if i == 9 && byte != 1 {
            return Err(malformed);
        }
        value |= bits << (7 * i);
        if byte & 0x80 == 0 {
            if byte == 0 && i > 0 {
                return Err(malformed);
            }
            *at = start + i + 1;
            return Ok(value);
        }
    }
    Err(malformed)
}
