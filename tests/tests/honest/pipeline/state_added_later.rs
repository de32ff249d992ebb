//! An app is a value: state is given to it afterwards, and functions return it.

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

fn app() -> App {
    pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => validate => heal;
    }
}

pub fn main() {
    let app = app().with(7_u32).with(String::from("state"));
    assert_eq!(app.name(), "flights");
}
