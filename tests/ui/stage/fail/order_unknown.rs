use healer::prelude::*;

#[stage(parallel = 4, order = keys)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
