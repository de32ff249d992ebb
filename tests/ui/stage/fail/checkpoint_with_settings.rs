use healer::prelude::*;

#[checkpoint(resume = true)]
#[stage]
fn enrich(flight: String) -> String {
    flight
}

fn main() {}
