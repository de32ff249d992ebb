//! A chain that is healed, and used as if it flowed on.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "flights";
        flights = kafka::text("flights") => heal;
        flights => kafka::to_text("copy") => heal;
    };
}
