use healer::prelude::*;

#[stage(parallel = 0)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
