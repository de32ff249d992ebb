//! The same, in one of two branches.

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
        flights = kafka::json::<Flight>("flights");
        flights => validate => heal;
        flights => model => heal;
    };
}
