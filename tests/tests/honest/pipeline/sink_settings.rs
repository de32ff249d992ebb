//! A sink with a key, headers and a topic of its own choice; it gives its input on.

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
        kafka::json::<Flight>("flights")
            => kafka::to_json("copy").key(|flight: &Flight, _| Some(flight.tail.clone().into_bytes()))
            => kafka::to_json("elsewhere").topic(|flight: &Flight| format!("delay-{}", flight.delay)) as "by delay"
            => validate
            => heal;
    };
    println!("{}", app.describe());
}
