use healer::prelude::*;

#[stage(blocking)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
