//! A word without arguments is always the user's own stage, also where healer has a node of that name.

use healer::prelude::*;

#[stage]
fn map(line: String) -> usize {
    line.len()
}

#[stage]
fn filter(length: usize) -> usize {
    length + 1
}

#[stage]
fn union(length: usize) -> usize {
    length * 2
}

#[stage(batch)]
fn batch(lengths: &Batch<usize>) {
    assert!(!lengths.is_empty());
}

#[stage]
fn partition(length: usize) -> usize {
    length
}

pub fn main() {
    let app = pipeline! {
        name "words";
        kafka::text("lines") => map => filter => filter(|length| *length > 1) => union => partition => batch(5) => batch => heal;
    };
    let paths = app.describe().to_string();
    for name in ["map", "filter", "union", "partition", "batch"] {
        assert!(paths.contains(name), "{paths}");
    }
}
