//! Values that are awaited.

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

async fn topic() -> String {
    String::from("late")
}

async fn app() -> App {
    pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights") => validate;
        flights => kafka::to_json(topic().await) => heal;
        flights => heal;
    }
}

pub fn main() {
    drop(app());
}
