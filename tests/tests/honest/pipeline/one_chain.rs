//! A source, a stage, the end.

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
        kafka::json::<Flight>("flights") => validate => heal;
    };
    println!("{}", app.describe());
}
