//! A stream that parts and comes together again.

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
        flights = kafka::json::<Flight>("flights") => validate;
        late = flights => filter(|flight| flight.delay >= 60) => map(|flight| (flight.tail, "late"));
        early = flights => filter(|flight| flight.delay < 60) => map(|flight| (flight.tail, "early"));
        all = union(late, early);
        all => map(|(tail, word)| format!("{tail}: {word}")) => kafka::to_text("words") => heal;
    };
    println!("{}", app.describe());
}
