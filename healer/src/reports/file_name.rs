//! Names of reports that every file system takes, and that sort by time.

use xxhash_rust::xxh3::xxh3_64;

use super::FailureReport;

/// The most bytes of a name.
const LONGEST: usize = 200;

/// How a name begins: each `0` stands for a digit.
const BEGINNING: &[u8] = b"0000-00-00T000000.000Z-";

impl FailureReport {
    /// A name for a file of this report: `<written_at>-<stage>-<topic>-<partition>-<offset>-<attempt>.json`, as
    /// `2026-08-01T123005.123Z-validate-orders-3-41-1.json`.
    ///
    /// It has only letters, digits and `.-_`, and no more than 200 bytes: a longer one loses the end of stage and topic, and
    /// gets a hash of the whole instead. No two attempts have the same. Where one record becomes many values, and several
    /// of them fail at the same stage within a millisecond, these do; the reporters of this module then write `….2.json`.
    pub fn file_name(&self) -> String {
        let tail = format!("-{}-{}-{}.json", self.partition, self.offset, self.attempt);
        // No file system of Windows takes a colon.
        let when = safe(&self.written_at.replace(':', ""));
        let head = format!("{when}-{}-{}", safe(&self.stage), safe(&self.topic));
        if head.len() + tail.len() <= LONGEST {
            return head + &tail;
        }
        let hash = format!("-{:016x}", xxh3_64(format!("{head}{tail}").as_bytes()));
        let room = LONGEST.saturating_sub(tail.len() + hash.len());
        // Each byte of it is a character.
        format!("{}{hash}{tail}", &head[..room.min(head.len())])
    }

    /// The day on which it was written, as `2026-08-01`.
    #[cfg(feature = "object-store")]
    pub(super) fn day(&self) -> String {
        self.written_at.get(..10).map_or_else(|| "undated".to_owned(), safe)
    }
}

fn safe(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    text.chars().map(safe).collect()
}

/// Whether a file has the name of a report.
pub(super) fn is_report(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".json") else { return false };
    stem.len() > BEGINNING.len()
        && stem.bytes().zip(BEGINNING).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            sign => byte == *sign,
        })
}
