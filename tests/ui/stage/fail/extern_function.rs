use healer::prelude::*;

#[stage]
extern "C" fn foreign(flight: u64) -> u64 {
    flight
}

fn main() {}
