//! Each fault once, each at its own token.

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
        flights = kafka::json::<Flight>("flights") => fliter(|flight| flight.delay > 0);
        late = flights => validate.with(retry = 3);
        flights => kafka::to_json("copy");
        planes => heal;
    };
}
