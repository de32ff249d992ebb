//! `map`, `try_map` and `filter`, with and without a reason; closures keep the values that they capture.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

#[stage]
fn halved(delay: i64) -> i64 {
    delay / 2
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
            // Types that are told further down.
            => map(Into::into)
            => halved
            => map(|delay| delay.to_string().parse().unwrap_or_default())
            => halved
            => filter(|delay| *delay != 1)
            => map::<u8, _>(|_| 1)
            => map::<fn(u8) -> u8, _>(|_| u8::reverse_bits as fn(u8) -> u8)
            => heal;
    };
    println!("{}", app.describe());
}
