use healer::prelude::*;

const MOST: usize = 0;

#[stage(parallel = MOST)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
