use healer::prelude::*;

#[stage(parallel = auto)]
async fn enrich(flight: String) -> String {
    flight
}

pub fn main() {}
