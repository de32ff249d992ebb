use healer::prelude::*;

#[stage(parallel = 4, order = partition, keyless = none)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
