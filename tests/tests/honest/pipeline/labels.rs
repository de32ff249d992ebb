//! `as` and `checkpoint` after any node.

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
        flights = kafka::json::<Flight>("flights") as "raw" checkpoint => validate as "check" checkpoint;
        flights
            => validate as format!("check {}", 1 + 1)
            => map(|flight| flight.delay) as "delay" checkpoint
            => checkpoint as "last"
            => heal;
        flights => kafka::to_json("copy") as "copy" checkpoint => batch(3, within = "1s") as "rows" => heal;
        flights => validate => checkpoint => heal;
    };
    println!("{}", app.describe());
}
