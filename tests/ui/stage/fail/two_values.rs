use healer::prelude::*;

struct Planes;

#[stage]
fn enrich(flight: String, planes: &Planes) -> String {
    flight
}

fn main() {}
