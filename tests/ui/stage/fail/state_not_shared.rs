use std::cell::Cell;

use healer::prelude::*;

#[stage]
fn count(flight: String, #[state] seen: &Cell<u64>) -> String {
    seen.set(seen.get() + 1);
    flight
}

fn main() {}
