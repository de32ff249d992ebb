//! A mistyped name: one error, not also one for the stream that was meant.

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
        flights = kafka::json::<Flight>("flights") => validate;
        flihgts => heal;
    };
}
