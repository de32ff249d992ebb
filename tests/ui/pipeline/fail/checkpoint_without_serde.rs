//! A checkpoint of a value that can not be written.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

fn main() {
    let _ = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => map(|_| std::time::Instant::now()) checkpoint => heal;
    };
}
