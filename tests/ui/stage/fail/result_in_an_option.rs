use healer::prelude::*;

#[stage]
fn validate(flight: String) -> Option<Result<u32, std::num::ParseIntError>> {
    (!flight.is_empty()).then(|| flight.parse())
}

fn main() {}
