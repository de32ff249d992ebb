use healer::prelude::*;

#[stage]
fn upper(flight: &mut String) {
    flight.make_ascii_uppercase();
}

fn main() {}
