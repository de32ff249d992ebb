use healer::prelude::*;

type Legs = Result<Vec<u32>, std::num::ParseIntError>;

#[stage(flat)]
fn legs(flight: &str) -> Legs {
    flight.split(',').map(str::parse).collect()
}

fn main() {}
