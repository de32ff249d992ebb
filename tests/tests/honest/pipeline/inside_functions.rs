//! Stages and pipelines inside functions.

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

fn outer() -> App {
    #[stage]
    fn inner(flight: Flight) -> i64 {
        flight.delay
    }
    fn plain() -> &'static str {
        "flights"
    }

    pipeline! {
        name plain();
        kafka::json::<Flight>(plain()) => validate => inner => heal;
    }
}

pub fn main() {
    assert_eq!(outer().name(), "flights");
}
