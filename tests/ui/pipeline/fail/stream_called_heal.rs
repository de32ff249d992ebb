//! A stream with a name that is a word: said once.

use healer::prelude::*;

fn main() {
    let _ = pipeline! {
        name "lines";
        heal = kafka::text("lines");
        heal => map(|line| line.len()) => heal;
        checkpoint = kafka::text("more");
        checkpoint => heal;
    };
}
