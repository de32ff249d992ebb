//! A name for a stream that has one already.

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
        same = flights;
        same => validate => heal;
        same => heal;
    };
    println!("{}", app.describe());
}
