use healer::prelude::*;

type Leg = Result<u32, std::num::ParseIntError>;

#[stage(flat)]
fn legs(flight: &str) -> Vec<Leg> {
    flight.split(',').map(str::parse).collect()
}

fn main() {}
