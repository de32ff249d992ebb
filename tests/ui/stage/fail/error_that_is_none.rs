use healer::prelude::*;

struct BadFlight;

#[stage]
fn validate(flight: String) -> Result<String, BadFlight> {
    if flight.is_empty() { Err(BadFlight) } else { Ok(flight) }
}

fn main() {}
