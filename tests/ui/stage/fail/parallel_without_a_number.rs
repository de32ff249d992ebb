use healer::prelude::*;

#[stage(parallel)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
