//! A name that is used once is the chain going on.

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

pub fn main() {
    let app = pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights");
        checked = flights => validate;
        checked => heal;
    };
    println!("{}", app.describe());
}
