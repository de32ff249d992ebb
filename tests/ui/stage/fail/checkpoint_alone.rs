use healer::prelude::*;

#[checkpoint]
fn enrich(flight: String) -> String {
    flight
}

fn main() {}
