//! A stage that takes something else than the node before it gives.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Plane {
    tail: String,
}

#[stage]
fn validate(flight: Flight) -> Flight {
    flight
}

#[stage]
fn model(plane: Plane) -> Plane {
    plane
}

fn main() {
    let _ = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => validate => model => heal;
    };
}
