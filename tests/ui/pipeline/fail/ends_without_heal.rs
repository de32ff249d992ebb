//! A line that ends in a sink.

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
        flights => filter(|flight| flight.delay >= 60) => kafka::to_json("late");
        flights => heal;
    };
}
