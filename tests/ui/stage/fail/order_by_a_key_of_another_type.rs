use healer::prelude::*;

fn customer(_: &u64) -> u64 {
    7
}

#[stage(parallel = 4, order = key(customer))]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
