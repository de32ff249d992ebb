use healer::prelude::*;

type Checked = Result<String, std::fmt::Error>;

#[stage]
fn validate(flight: String) -> Checked {
    if flight.is_empty() { Err(std::fmt::Error) } else { Ok(flight) }
}

fn main() {}
