//! A use above the binding.

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
        late => heal;
        flights = kafka::json::<Flight>("flights") => validate;
        late = flights => filter(|flight| flight.delay >= 60);
    };
}
