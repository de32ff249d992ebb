//! Nodes and sources that functions and variables of the program give.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

mod parts {
    use healer::{Json, Sink, Source, kafka};

    use super::Flight;

    pub(crate) fn source(topic: &str) -> Source<Flight, Json> {
        kafka::json(topic)
    }

    pub(crate) fn sink(topic: &str) -> Sink<Flight, Json> {
        kafka::to_json(topic)
    }
}

fn own_sink() -> healer::Sink<Flight, healer::Json> {
    parts::sink("own")
}

fn own_source() -> healer::Source<Flight, healer::Json> {
    parts::source("own")
}

pub fn main() {
    let variable = parts::sink("variable");
    let kept = own_source();
    let app = pipeline! {
        name "flights";
        parts::source("flights") => parts::sink("copy") => (own_sink()) => { variable } => heal;
        own = own_source();
        own => heal;
        (kept) => heal;
    };
    println!("{}", app.describe());
}
