//! A generic stage, inferred and written out.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

#[stage]
fn pass<T: Send + 'static>(value: T) -> T {
    value
}

mod tools {
    pub(super) use super::pass;
}

pub fn main() {
    let app = pipeline! {
        name "flights";
        kafka::json::<Flight>("flights") => pass => pass::<Flight> => tools::pass::<Flight> => map(|flight| flight.delay) => pass => heal;
    };
    println!("{}", app.describe());
}
