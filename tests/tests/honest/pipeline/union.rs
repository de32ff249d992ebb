//! Two sources that become one stream.

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
        east = kafka::json::<Flight>("east");
        west = kafka::json::<Flight>("west") => validate;
        both = union(east, west) => map(|flight| flight.tail);
        both => kafka::to_text("tails") => heal;
    };
    println!("{}", app.describe());
}
