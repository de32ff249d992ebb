//! Settings that stand at the function, not here.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

#[stage]
fn validate(flight: Flight) -> Flight {
    flight
}

fn main() {
    let _ = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => validate.with(parallel = 64, timeout = "2s") => heal;
    };
}
