//! A union of a stream that is not there.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

fn main() {
    let _ = pipeline! {
        name "flights";
        east = kafka::json::<Flight>("east");
        west = kafka::json::<Flight>("west");
        union(east, wets) => heal;
    };
}
