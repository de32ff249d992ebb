//! The text beside a committed offset, which anybody may have written: nothing, or a lineage, perhaps with runs that ascend above the offset.
//!
//! Half of the texts are sealed with prefix, base64 and the right checksum, or no input would ever reach the code behind.
#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use healer::__private::decode_metadata;
use healer_fuzz::bounded;
use healer_store::{Run, offset_map::MAX_RUNS};
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Of the partition that is read.
const MARK: u64 = 7;

/// The bytes behind the base64, the runs of the largest map and the growth of their vector.
fn limit(text: usize) -> usize {
    text + 2 * MAX_RUNS * size_of::<Run>()
}

fn sealed(committed: i64, body: &[u8]) -> String {
    // The offset is right half of the time, too.
    let offset = match body.first() {
        Some(first) if first % 2 == 0 => committed.to_be_bytes().to_vec(),
        _ => Vec::new(),
    };
    let body = [&offset, body.get(1..).unwrap_or_default()].concat();
    let all = [&xxh3_64_with_seed(&body, MARK).to_be_bytes(), &body[..]].concat();
    format!("healer2:{}", BASE64.encode(all))
}

fuzz_target!(|input: (bool, i64, &[u8])| {
    let (seal, committed, bytes) = input;
    let text = if seal { sealed(committed, bytes) } else { String::from_utf8_lossy(bytes).into_owned() };
    let Some((_, Some(claim))) = bounded(limit(text.len()), || decode_metadata(&text, committed, MARK)) else {
        return;
    };
    assert!(claim.frontier == committed && !claim.runs.is_empty());
    let mut end = committed;
    for run in &claim.runs {
        assert!(run.first > end && run.end > run.first, "{run} after {end}");
        end = run.end;
    }
});
