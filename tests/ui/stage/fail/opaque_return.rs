use healer::prelude::*;

#[stage]
fn describe(flight: String) -> impl std::fmt::Display {
    flight
}

fn main() {}
