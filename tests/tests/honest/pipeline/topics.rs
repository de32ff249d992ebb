//! One topic, a list, a pattern; several sources in one pipeline.

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
    let more = vec![String::from("four"), String::from("five")];
    let app = pipeline! {
        name "flights";
        kafka::json::<Flight>("one") => heal;
        list = kafka::json::<Flight>(["two", "three"]) => validate;
        list => heal;
        pattern = kafka::bytes("^flights-.*");
        pattern => heal;
        kafka::text(more) as "more" => heal;
    };
    println!("{}", app.describe());
}
