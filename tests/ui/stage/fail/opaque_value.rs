use healer::prelude::*;

#[stage]
fn describe(flight: impl std::fmt::Display) -> String {
    flight.to_string()
}

fn main() {}
