//! Why bytes are not an offset map; a caller that gets one of these skips nothing and processes again.

use thiserror::Error;

/// Why runs could not be encoded, or bytes could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OffsetMapError {
    /// There is not even the byte that names version and kind.
    #[error("an offset map without any byte: skip nothing and process from the frontier")]
    Empty,
    /// The first byte names no version and kind that this build knows.
    #[error("an offset map of unknown kind {kind:#04x}: another program or a newer version wrote it")]
    UnknownKind {
        /// The first byte.
        kind: u8,
    },
    /// The map is larger than [`MAX_BYTES`](super::MAX_BYTES).
    #[error("an offset map of {bytes} bytes is above the limit of {limit}", limit = super::MAX_BYTES)]
    TooLong {
        /// The length of the map.
        bytes: usize,
    },
    /// The map holds more than [`MAX_RUNS`](super::MAX_RUNS) runs.
    #[error("an offset map of more than {limit} runs", limit = super::MAX_RUNS)]
    TooManyRuns,
    /// A number is cut off, longer than 64 bits or not in its shortest form.
    #[error("an offset map with a malformed number at byte {at}")]
    Number {
        /// Where the number starts.
        at: usize,
    },
    /// A run ends above the highest offset that there can be.
    #[error("an offset map with a run that ends above the highest offset")]
    Overflow,
    /// A bit set whose last byte is zero: nothing that this crate wrote.
    #[error("an offset map whose bit set is not in its shortest form")]
    NotCanonical,
    /// The runs to encode are empty, overlap, do not ascend or do not lie above the frontier.
    #[error("runs that do not ascend above the frontier {frontier} cannot be an offset map")]
    NotAscending {
        /// The frontier that the runs must lie above.
        frontier: i64,
    },
}
