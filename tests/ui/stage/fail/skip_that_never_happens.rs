use healer::prelude::*;

#[stage(skip = "cancelled")]
fn validate(flight: String) -> String {
    flight
}

fn main() {}
