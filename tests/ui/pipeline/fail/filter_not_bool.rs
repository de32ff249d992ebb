//! A filter must say yes or no.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

fn main() {
    let _ = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => filter(|flight| flight.delay) => heal;
    };
}
