//! A stream that goes two ways, of values that can not be cloned.

use healer::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
}

fn main() {
    let _ = pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights");
        flights => kafka::to_json("copy") => heal;
        flights => heal;
    };
}
