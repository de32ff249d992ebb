use healer::prelude::*;

struct Planes;

#[stage]
fn enrich(flight: String, #[state] planes: Planes) -> String {
    flight
}

fn main() {}
