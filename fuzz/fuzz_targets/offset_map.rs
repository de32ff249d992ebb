//! The bytes of an offset map under any frontier: an error, or runs that ascend above it and read back.
#![no_main]

use healer_fuzz::bounded;
use healer_store::Run;
use healer_store::offset_map::{MAX_RUNS, decode, encode};
use libfuzzer_sys::fuzz_target;

/// The runs of the largest map, the growth of their vector, and the text of an error.
const LIMIT: usize = 2 * MAX_RUNS * size_of::<Run>() + 4096;

fuzz_target!(|input: (i64, &[u8])| {
    let (frontier, bytes) = input;
    let Ok(runs) = bounded(LIMIT, || decode(frontier, bytes).inspect_err(|error| _ = error.to_string()))
    else {
        return;
    };
    let mut end = frontier;
    for run in &runs {
        assert!(run.first > end && run.end > run.first, "{run} after {end}");
        end = run.end;
    }
    let written = encode(frontier, runs.iter().copied()).expect("they ascend");
    assert_eq!(decode(frontier, &written).expect("own bytes"), runs);
});
