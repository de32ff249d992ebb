//! Settings of a source, and tombstones as values.

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
        kafka::json::<Flight>("flights").on_error(OnError::Skip) => validate => heal;
        planes = kafka::json::<Flight>("planes").tombstones() => map(|plane: Option<Flight>| plane.is_some());
        planes => heal;
    };
    println!("{}", app.describe());
}
