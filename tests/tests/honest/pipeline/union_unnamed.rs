//! A union that nobody names.

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

pub fn main() {
    let app = pipeline! {
        name "flights";
        a = kafka::json::<Flight>("a");
        b = kafka::json::<Flight>("b");
        c = kafka::json::<Flight>("c");
        d = kafka::json::<Flight>("d");
        union(a, b) => validate => heal;
        union(c, d,) as "others" => heal;
    };
    println!("{}", app.describe());
}
