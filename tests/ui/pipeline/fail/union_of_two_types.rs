//! A union of streams that carry different values.

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

fn main() {
    let _ = pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights");
        planes = kafka::json::<Plane>("planes");
        union(flights, planes) => heal;
    };
}
