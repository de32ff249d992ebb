//! A chain that is healed, and used as if it flowed on.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "flights";
        flights = kafka::string("flights") => heal;
        flights => kafka::to_string("copy") => heal;
    };
}
