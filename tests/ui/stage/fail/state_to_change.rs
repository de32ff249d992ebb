use healer::prelude::*;

#[stage]
fn count(flight: String, #[state] seen: &mut u64) -> String {
    *seen += 1;
    flight
}

fn main() {}
