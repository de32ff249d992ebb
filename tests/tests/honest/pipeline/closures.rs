//! `map`, `try_map` and `filter`, with and without a reason; closures keep what they are given.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

pub fn main() {
    let limit = 60;
    let app = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights")
            => filter(move |flight| flight.delay >= limit, reason = format!("below {limit}"))
            => map(|flight| flight.delay.to_string())
            => try_map(|text| text.parse::<i64>())
            => filter(|delay| *delay != 0)
            => map(i64::abs)
            => heal;
    };
    println!("{}", app.describe());
}
