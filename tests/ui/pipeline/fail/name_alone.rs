//! A bound name on a line of its own.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

fn main() {
    let _ = pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights");
        flights;
    };
}
