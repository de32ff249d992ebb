//! Branches of branches; three ways from one stream.

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
        late = flights => filter(|flight| flight.delay >= 60);
        very_late = late => filter(|flight| flight.delay >= 600);
        very_late => kafka::to_json("very-late") => heal;
        very_late => map(|flight| flight.tail) => kafka::to_text("tails") => heal;
        late => kafka::to_json("late") => heal;
        late => heal;
        flights => batch(100) => heal;
        flights => kafka::to_json("copy") => heal;
    };
    println!("{}", app.describe());
}
