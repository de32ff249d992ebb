//! The bytes of a record under every format: an error, or a value that reads back as it was written.
#![no_main]

use std::collections::BTreeMap;

use healer::{Bincode, Bytes, CodecContext, Decode, Encode, Json, Part, RawJson, Text};
use healer_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// Serde reserves 1 MiB at most at each depth of the value, for a length whose bytes it has not yet seen. The factor is the weight
/// of a value in memory for a byte of its text, with the growth of its vectors.
fn limit(bytes: usize) -> usize {
    (4 << 20) + 512 * bytes
}

/// A bit of everything that records are made of.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    number: u16,
    delay: Option<f64>,
    stops: Vec<Stop>,
    tags: BTreeMap<String, i64>,
    raw: Vec<u8>,
    gate: (char, bool),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Stop {
    Airport(String),
    Sea { latitude: f32, longitude: f32 },
    Nowhere,
}

fn check<T, F: Decode<T> + Encode<T>>(format: &F, bytes: &[u8]) {
    let (limit, of) = (limit(bytes.len()), CodecContext::new("t", Part::Value));
    let Ok(value) = bounded(limit, || format.decode(bytes, &of).inspect_err(|error| _ = error.to_string())) else {
        return;
    };
    let mut written = Vec::new();
    format.encode(&value, &mut written, &of).expect("what was read can be written");
    // Compared as bytes, since a NaN is not equal to itself.
    let mut again = Vec::new();
    let value: T = format.decode(&written, &of).unwrap_or_else(|error| panic!("{}: {error}", format.format()));
    format.encode(&value, &mut again, &of).expect("what was read can be written");
    assert_eq!(written, again, "{}", format.format());
}

fuzz_target!(|bytes: &[u8]| {
    check::<Flight, _>(&Bincode, bytes);
    check::<Vec<Option<String>>, _>(&Bincode, bytes);
    check::<Flight, _>(&Json, bytes);
    check::<BTreeMap<String, Vec<Stop>>, _>(&Json, bytes);
    check::<RawJson, _>(&Json, bytes);
    check::<String, _>(&Text, bytes);
    check::<Vec<u8>, _>(&Bytes, bytes);
});
