//! All codecs, as sources and as sinks.

use healer::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Flight {
    tail: String,
    delay: i64,
}

pub fn main() {
    let app = pipeline! {
        name "flights";
        kafka::json::<Flight>("json") => kafka::to_json("json-copy") => heal;
        kafka::bincode::<Flight>("bincode") => kafka::to_bincode("bincode-copy") => heal;
        kafka::raw_json("raw") => kafka::to_json("raw-copy") => heal;
        kafka::json::<Flight>("planes").tombstones() => kafka::to_json("planes-copy").timestamp(kafka::now) => heal;
        kafka::text("lines").tombstones() => kafka::to_text("lines-copy").tombstones() => heal;
        kafka::bytes("bytes") => kafka::to_bytes("bytes-copy") => heal;
        kafka::text("text") => kafka::to_text("text-copy") => heal;
    };
    println!("{}", app.describe());
}
