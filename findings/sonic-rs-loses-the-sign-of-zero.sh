#!/usr/bin/env bash
# sonic-rs 0.5.10: negative zero is read as `0.0`, even from sonic-rs's own output, and a key of spaces and digits is read as a number.
#
# Expectation. `-0`, `-0.0` and `-0e0` are numbers of JSON (RFC 8259, section 6). Read into an `f64` they are negative zero, as they
# are for serde_json 1, for `str::parse::<f64>` and for JavaScript; an `f64` that is written and read back is the same. A key of a
# map with number keys is that number's text: serde_json refuses `" 2"`, where the space is part of the string.
# Behaviour. sonic-rs gives `0.0` for all three, though it writes negative zero as `-0.0`. The key `" 2"` of a `BTreeMap<u32, u8>` is
# read as 2, so that it falls together with the key `"2"`.
# Consequence. A decimal that is passed on (a coordinate, a change that was rounded) is another value than was sent, without an error:
# two decoders of one topic disagree, and `1.0 / x` is another infinity.
# Output seen: see the last lines. Needs cargo and the package registry; builds in a temporary folder, in a minute.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "minus_zero"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
serde_json = "=1.0.154"
sonic-rs = "=0.5.10"

[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
//! Reads the same texts with both.
use std::collections::BTreeMap;

fn main() {
    for text in ["-0", "-0.0", "-0e0"] {
        let [ours, theirs] = [serde_json::from_str::<f64>(text).ok(), sonic_rs::from_str::<f64>(text).ok()];
        println!("{text}: serde_json {ours:?}, sonic-rs {theirs:?}");
    }
    let written = sonic_rs::to_string(&-0.0_f64).unwrap();
    println!("sonic-rs writes {written} and reads {:?}", sonic_rs::from_str::<f64>(&written).ok());
    let keys = r#"{"2":1," 2":3}"#;
    let ours = serde_json::from_str::<BTreeMap<u32, u8>>(keys).ok();
    let theirs = sonic_rs::from_str::<BTreeMap<u32, u8>>(keys).ok();
    println!("{keys}: serde_json {ours:?}, sonic-rs {theirs:?}");
}
RUST
cargo build --quiet --manifest-path "$work/Cargo.toml"
seen=$("$work/target/debug/minus_zero")
expected='-0: serde_json Some(-0.0), sonic-rs Some(0.0)
-0.0: serde_json Some(-0.0), sonic-rs Some(0.0)
-0e0: serde_json Some(-0.0), sonic-rs Some(0.0)
sonic-rs writes -0.0 and reads Some(0.0)
{"2":1," 2":3}: serde_json None, sonic-rs Some({2: 3})'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "sonic-rs behaves in another way now; seen before:"; echo "$expected"; exit 1; }
