use std::fmt::Display;

use healer::prelude::*;

#[derive(serde::Deserialize)]
struct Flight;

#[stage]
fn show<T: Display>(value: T) -> String {
    value.to_string()
}

fn main() {
    let flights = kafka::json::<Flight>("flights").stream("flights");
    let _shown = flights.then(show::stage());
}
