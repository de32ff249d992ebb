use healer::prelude::*;

#[stage(order = key)]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
