//! Unions flow into unions; a stream can end in one and go on elsewhere.

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
        first = union(a, b) => validate;
        c = kafka::json::<Flight>("c") => validate;
        second = union(first, c);
        second => kafka::to_json("all") => heal;
        first => kafka::to_json("first") => heal;
        c => heal;
    };
    println!("{}", app.describe());
}
