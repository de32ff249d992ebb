//! A pipeline with a name only.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "flights";
    };
}
