//! The same, by a longer path.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Plane {
    tail: String,
}

mod stages {
    use healer::prelude::*;

    #[stage]
    pub(crate) fn model(plane: super::Plane) -> super::Plane {
        plane
    }
}

fn main() {
    let _ = pipeline! {
        name "flights";
        flights = kafka::json::<Flight>("flights");
        flights => stages::model => heal;
    };
}
