use healer::prelude::*;

#[stage]
unsafe fn raw(flight: String) -> String {
    flight
}

fn main() {}
