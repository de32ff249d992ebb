//! Settings that are known by name and do not work yet.

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
