//! A pipeline without a name.

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

fn main() {
    let _ = pipeline! {
        kafka::json::<Flight>("flights") => validate => heal;
    };
}
