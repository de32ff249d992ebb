use healer::prelude::*;

#[stage(timeout = "1s")]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
