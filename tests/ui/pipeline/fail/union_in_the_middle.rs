//! A union is no node.

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
        kafka::json::<Flight>("west") => union(east) => heal;
    };
}
