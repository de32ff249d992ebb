//! A sink by its bare name.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

fn main() {
    let _ = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => to_json("late") => heal;
    };
}
