use healer::prelude::*;

#[stage(parallel = "64")]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
