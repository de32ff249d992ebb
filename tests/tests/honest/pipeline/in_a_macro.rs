//! Inside a macro of the user's own.

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

macro_rules! copy {
    ($name:literal, $value:ty, $stage:path, $stream:ident => $to:expr) => {
        pipeline! {
            name $name;
            $stream = kafka::json::<$value>($name) => $stage;
            $stream => kafka::to_json($to) => heal;
            $stream => heal;
        }
    };
}

pub fn main() {
    let app = copy!("flights", Flight, validate, flights => format!("{}-copy", "flights"));
    assert!(app.describe().to_string().contains("flights-copy"));
}
