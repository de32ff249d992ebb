use healer::prelude::*;

fn delay(_: &String) -> f64 {
    0.5
}

#[stage(parallel = 4, order = key(delay))]
async fn enrich(flight: String) -> String {
    flight
}

fn main() {}
