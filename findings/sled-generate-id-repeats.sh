#!/usr/bin/env bash
# sled 0.34.7: `Db::generate_id` gives the same numbers again after a process was killed.
#
# Expectation. The documentation of `Db::generate_id` promises that no counter is ever given out twice: the counter is said to be
# written at an interval, followed by a flush that waits, and recovery is said to add twice the interval to it.
# Behaviour. A process opens a new folder, takes ten numbers and ends by `abort` before the background flush (500 ms by default).
# The next process that opens the folder is given the same ten numbers. With `Db::flush` before the abort, or an orderly end,
# the next process begins at 2,000,000, as the documentation says.
# Consequence. A number that has left the process (in a record, a file name, an answer) may be somebody else's number after a kill.
# Either flush before the number is used, or keep a counter that is written with the rows that it numbers.
# Output seen: see the last lines. Needs cargo and the package registry; builds in a temporary folder, in a minute.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "generate_id"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
sled = "=0.34.7"

[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
//! Takes ten numbers from the sled folder of the first argument, and ends as the second one says.
fn main() -> sled::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let db = sled::open(&args[1])?;
    let numbers = (0..10).map(|_| db.generate_id()).collect::<sled::Result<Vec<_>>>()?;
    if args[2] == "flush" {
        db.flush()?;
    }
    println!("{}..={}", numbers[0], numbers[9]);
    if args[2] != "return" {
        std::process::abort();
    }
    Ok(())
}
RUST
cargo build --quiet --manifest-path "$work/Cargo.toml"

lives() { # how the first process ends
    local folder="$work/$1"
    "$work/target/debug/generate_id" "$folder" "$1" || true
    "$work/target/debug/generate_id" "$folder" return
}
seen=$(for end in abort flush return; do echo "$end:" $(lives "$end" 2> /dev/null); done 2> /dev/null)
expected='abort: 0..=9 0..=9
flush: 0..=9 2000000..=2000009
return: 0..=9 2000000..=2000009'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "sled behaves in another way now; seen before:"; echo "$expected"; exit 1; }
